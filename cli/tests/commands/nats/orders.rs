//! The services on NATS that the tests call.

use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Progress, Server, Subscription, Topic, service};
use callbox_test_support::nats_server::NatsServer;

use crate::greeter::TOKEN;

/// The name of the service, which has dots.
pub(super) const NAME: &str = "shop.orders";

/// The orders of a shop.
#[derive(Default)]
pub(super) struct Orders {
    numbers: Topic<u64>,
    taken: u64,
}

/// Keeps the orders of a shop.
#[service(name = "shop.orders", namespace = "orders")]
impl Orders {
    /// Returns an order.
    #[public_method]
    fn get(&self, id: u64) -> String {
        format!("order {id}")
    }

    /// Takes an order.
    #[public_method]
    fn take(&mut self) -> u64 {
        self.taken += 1;
        self.numbers.publish(self.taken);
        self.taken
    }

    /// The numbers of the orders from now on.
    #[public_method(subscription)]
    fn numbers(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    /// Returns the name of the shop: a string, as the id of a subscription is.
    #[public_method]
    fn shop(&self) -> String {
        "fruit".to_owned()
    }

    /// Packs so many orders.
    #[public_method]
    async fn pack(&self, orders: u64, progress: &Progress) -> u64 {
        for order in 0..orders {
            progress.report(order + 1, orders, "packing");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        orders
    }

    /// Returns what only some may know.
    #[private_api_method]
    fn turnover(&self) -> u64 {
        7
    }
}

/// Another service in the same process.
struct Stock;

#[service(name = "stock")]
impl Stock {
    #[public_method]
    fn count(&self) -> u64 {
        3
    }
}

/// Starts an instance of both services.
pub(super) fn start(nats: &NatsServer) -> TestServer {
    start_at(&nats.url(), "callbox")
}

/// Starts an instance with a prefix of its own.
pub(super) fn start_at(url: &str, prefix: &str) -> TestServer {
    let server = Server::new(Orders::default).service(|| Stock).tokens(|token: &str| token == TOKEN);
    testing::start(server.nats(url).nats_prefix(prefix))
}

/// Returns the figures of a method of this instance.
pub(super) fn stats(server: &TestServer, method: &str) -> callbox::stats::MethodStats {
    let stats = server.service::<Orders>().stats();
    stats.into_iter().find(|stats| stats.method == method).expect("the method")
}
