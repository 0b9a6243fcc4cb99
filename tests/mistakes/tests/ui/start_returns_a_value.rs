use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[on_start]
    fn start(&mut self) -> u8 {
        1
    }
}

fn main() {}
