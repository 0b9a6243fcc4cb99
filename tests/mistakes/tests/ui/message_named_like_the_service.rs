use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(message = "Shop")]
    fn shop(&self) {}
}

fn main() {}
