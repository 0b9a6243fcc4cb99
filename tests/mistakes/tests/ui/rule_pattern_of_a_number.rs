use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(pattern = "^[0-9]+$")] door: u64) {
        let _ = door;
    }
}

fn main() {}
