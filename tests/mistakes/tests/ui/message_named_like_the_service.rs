use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn shop(&self) {}
}

fn main() {}
