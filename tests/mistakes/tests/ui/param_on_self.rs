use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(#[param(default = 1)] &self) {}
}

fn main() {}
