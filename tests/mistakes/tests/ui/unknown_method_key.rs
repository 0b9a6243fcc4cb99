use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(timeout = 2)]
    fn open(&self) {}
}

fn main() {}
