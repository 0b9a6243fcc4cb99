use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, name: Option<String>, hour: u8) {
        let _ = (name, hour);
    }
}

fn main() {}
