use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(unsubscribe = "unsubscribe_prices")]
    fn price(&self) -> f64 {
        1.5
    }
}

fn main() {}
