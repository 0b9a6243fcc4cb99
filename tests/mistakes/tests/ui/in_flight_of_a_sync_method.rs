use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(in_flight = 4)]
    fn open(&self) {}
}

fn main() {}
