use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(range = 1..=300)] door: u8) {
        let _ = door;
    }
}

fn main() {}
