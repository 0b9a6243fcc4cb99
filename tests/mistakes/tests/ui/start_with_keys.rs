use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[on_start(first)]
    fn start(&mut self) {}
}

fn main() {}
