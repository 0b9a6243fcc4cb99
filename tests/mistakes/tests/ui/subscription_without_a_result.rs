use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(subscription)]
    fn prices(&self) {}
}

fn main() {}
