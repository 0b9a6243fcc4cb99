use callbox::service;

struct Shop;

#[service]
impl Shop {
    #[public_method(subscription)]
    fn prices(&self) -> Vec<f64> {
        Vec::new()
    }
}

fn main() {}
