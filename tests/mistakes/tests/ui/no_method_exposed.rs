use callbox::service;

struct Shop;

#[service]
impl Shop {
    fn open(&self) {}
}

fn main() {}
