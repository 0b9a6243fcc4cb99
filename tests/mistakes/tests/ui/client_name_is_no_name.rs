use callbox::service;

struct Shop;

#[service(client = "a shop")]
impl Shop {
    #[public_method]
    fn open(&self) -> u8 {
        1
    }
}

fn main() {}
