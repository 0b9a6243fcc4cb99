use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}
}

#[service]
impl Shop {
    #[public_method]
    fn close(&self) {}
}

fn main() {}
