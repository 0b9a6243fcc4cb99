use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(name = "rpc.open")]
    fn open(&self) {}
}

fn main() {}
