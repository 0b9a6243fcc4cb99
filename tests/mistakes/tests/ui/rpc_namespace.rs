use callbox::service;

struct Shop;

#[service(namespace = "rpc")]
impl Shop {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
