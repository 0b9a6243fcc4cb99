use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(name = "$/open")]
    fn open(&self) {}
}

fn main() {}
