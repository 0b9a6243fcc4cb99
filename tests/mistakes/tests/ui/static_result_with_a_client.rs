use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn sign(&self) -> &'static str {
        "open"
    }
}

fn main() {}
