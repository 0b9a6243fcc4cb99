use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, hour: impl Into<u8>) {
        let _ = hour.into();
    }
}

fn main() {}
