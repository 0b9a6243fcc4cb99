use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, _: u8) {}
}

fn main() {}
