use callbox::{Subscription, Topic, service};

struct Shop {
    prices: Topic<f64>,
}

#[service]
impl Shop {
    #[public_method(subscription, event = "rpc.prices", unsubscribe = "$/stop")]
    fn prices(&self) -> Subscription<f64> {
        self.prices.subscribe()
    }
}

fn main() {}
