use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open() {}
}

fn main() {}
