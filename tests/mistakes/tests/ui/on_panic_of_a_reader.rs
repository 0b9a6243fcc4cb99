use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(on_panic = "keep")]
    fn open(&self) {}
}

fn main() {}
