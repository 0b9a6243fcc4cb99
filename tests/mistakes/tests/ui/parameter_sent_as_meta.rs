use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn open(&self, #[param(rename = "_meta")] hours: u8) {}
}

fn main() {}
