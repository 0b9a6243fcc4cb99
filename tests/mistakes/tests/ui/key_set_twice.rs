use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(weight = 1, weight = 2)]
    fn open(&self) {}
}

fn main() {}
