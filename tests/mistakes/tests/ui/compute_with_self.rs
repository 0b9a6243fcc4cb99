use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(compute)]
    fn open(&self) {}
}

fn main() {}
