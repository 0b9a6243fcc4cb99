use callbox::service;

type Opened = Result<u8, String>;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self) -> Opened {
        Ok(1)
    }
}

fn main() {}
