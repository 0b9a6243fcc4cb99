use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    fn unlock(&self, #[param(default = 1)] door: u8) {
        let _ = door;
    }
}

fn main() {}
