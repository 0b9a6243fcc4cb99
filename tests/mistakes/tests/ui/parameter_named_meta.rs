use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, _meta: u8) {}
}

fn main() {}
