use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    pub fn open(&self) {}

    #[public_method]
    fn close(&self) {}
}

fn main() {}
