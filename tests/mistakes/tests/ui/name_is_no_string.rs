use callbox::service;

struct Shop;

#[service(name = shop)]
impl Shop {
    #[public_method]
    fn open(&self) {}
}

fn main() {}
