use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn price(&self) -> Option<Option<u32>> {
        None
    }
}

fn main() {}
