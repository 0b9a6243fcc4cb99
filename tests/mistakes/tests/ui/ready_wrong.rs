use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) {}

    #[ready]
    fn ready(&mut self, hard: bool) -> bool {
        hard
    }
}

struct Bar;

#[service]
impl Bar {
    #[public_method]
    fn open(&self) {}

    #[ready]
    fn ready(&self) {}
}

fn main() {}
