use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(default = 1)] door: u8, hour: u8) {
        let _ = (door, hour);
    }
}

fn main() {}
