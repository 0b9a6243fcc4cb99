use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, name: &str) {
        let _ = name;
    }
}

fn main() {}
