use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(on_panic = "ignore")]
    fn open(&mut self) {}
}

fn main() {}
