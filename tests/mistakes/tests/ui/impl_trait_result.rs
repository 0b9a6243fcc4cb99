use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> impl Iterator<Item = u8> {
        [1].into_iter()
    }
}

fn main() {}
