//! A server with a topic, for what looks at servers from outside.

use callbox::{Server, Subscription, Topic, service};

#[derive(Default)]
struct Shop {
    prices: Topic<f64>,
}

#[service(name = "test.shop")]
impl Shop {
    #[public_method]
    fn publish(&self, price: f64) {
        self.prices.publish(price);
    }

    #[public_method(subscription)]
    fn prices(&self) -> Subscription<f64> {
        self.prices.subscribe()
    }
}

/// Returns a server whose method `publish` publishes to the subscription `prices`.
pub fn server() -> Server {
    Server::new(Shop::default)
}
