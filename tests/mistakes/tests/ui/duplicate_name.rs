use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[public_method(name = "open")]
    fn unlock(&self) {}
}

fn main() {}
