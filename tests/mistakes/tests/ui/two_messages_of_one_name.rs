use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[public_method(message = "Shop_Open")]
    fn unlock(&self) {}
}

fn main() {}
