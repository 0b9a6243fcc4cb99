use callbox::service;

struct ShopClient;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> u8 {
        1
    }
}

fn main() {}
