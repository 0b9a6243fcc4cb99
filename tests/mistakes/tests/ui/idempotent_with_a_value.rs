use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(idempotent = true)]
    fn open(&self) -> u8 {
        1
    }
}

fn main() {}
