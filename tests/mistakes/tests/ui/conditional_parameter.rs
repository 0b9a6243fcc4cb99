use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[cfg(any())] name: String) {}
}

fn main() {}
