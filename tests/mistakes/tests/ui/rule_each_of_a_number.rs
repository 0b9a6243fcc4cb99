use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(each(range = 1..=6))] door: u8) {
        let _ = door;
    }
}

fn main() {}
