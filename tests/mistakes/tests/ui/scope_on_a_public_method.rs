use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(scope = "admin")]
    fn open(&self) {}
}

fn main() {}
