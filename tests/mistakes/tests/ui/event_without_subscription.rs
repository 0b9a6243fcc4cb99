use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(event = "price_changed")]
    fn price(&self) -> f64 {
        1.5
    }
}

fn main() {}
