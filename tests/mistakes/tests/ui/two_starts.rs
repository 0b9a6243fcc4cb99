use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[on_start]
    fn first(&mut self) {}

    #[on_start]
    fn second(&mut self) {}
}

fn main() {}
