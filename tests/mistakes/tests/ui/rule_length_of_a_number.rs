use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(length = 1..=40)] door: u64) {
        let _ = door;
    }
}

fn main() {}
