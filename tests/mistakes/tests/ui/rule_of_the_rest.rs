use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rest, length = ..=5)] door: std::collections::HashMap<String, u8>) {
        let _ = door;
    }
}

fn main() {}
