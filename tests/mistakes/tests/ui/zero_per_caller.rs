use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(per_caller = 0)]
    fn open(&self) {}
}

fn main() {}
