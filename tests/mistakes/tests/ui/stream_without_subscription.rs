use callbox::{Subscription, Topic, service};

struct Shop {
    prices: Topic<f64>,
}

#[service]
impl Shop {
    #[private_api_method]
    fn prices(&self) -> Subscription<f64> {
        self.prices.subscribe()
    }
}

fn main() {}
