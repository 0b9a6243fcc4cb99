use callbox::service;

struct Closed;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Result<u8, Closed> {
        Err(Closed)
    }
}

fn main() {}
