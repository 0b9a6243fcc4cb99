use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(range = 5)] door: u8) {
        let _ = door;
    }
}

fn main() {}
