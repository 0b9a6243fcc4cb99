use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(message = "open it")]
    fn open(&self) {}
}

fn main() {}
