use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(deadline = "0s")]
    fn open(&self) {}
}

fn main() {}
