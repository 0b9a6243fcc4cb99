use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(range = 1..=40)] door: Option<String>) {
        let _ = door;
    }
}

fn main() {}
