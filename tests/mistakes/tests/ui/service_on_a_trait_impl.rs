use callbox::service;

struct Shop;

trait Opens {
    fn open(&self);
}

#[service]
impl Opens for Shop {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
