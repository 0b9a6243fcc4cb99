use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Result<u8, &str> {
        Ok(1)
    }
}

fn main() {}
