use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(name = "")]
    fn open(&self) {}
}

fn main() {}
