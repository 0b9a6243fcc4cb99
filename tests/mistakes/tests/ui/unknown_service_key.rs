use callbox::service;

struct Shop;

#[service(nane = "shop")]
impl Shop {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
