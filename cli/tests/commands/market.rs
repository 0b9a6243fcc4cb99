//! The service with subscriptions and progress that the tests call.

use std::sync::Arc;

use callbox::testing::{self, TestServer};
use callbox::{Progress, Server, Subscription, Topic, service};
use futures::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::greeter::TOKEN;

/// A market, and what holds up an import.
pub(crate) struct Market {
    prices: Topic<Price>,
    free: Arc<Semaphore>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Price {
    symbol: String,
    value: f64,
}

#[service(name = "example.market")]
impl Market {
    /// Sets a price.
    #[public_method]
    fn set(&self, symbol: String, value: f64) {
        self.prices.publish(Price { symbol, value });
    }

    /// The prices from now on.
    #[public_method(subscription)]
    fn prices(&self) -> Subscription<Price> {
        self.prices.subscribe()
    }

    /// Counts to a number.
    #[public_method(subscription)]
    fn count(&self, to: u32) -> Subscription<u32> {
        Subscription::new(stream::iter(1..=to))
    }

    /// Returns the symbol that is traded most: a string, as the id of a subscription is.
    #[public_method]
    fn favourite(&self) -> String {
        "PEAR".to_owned()
    }

    /// Imports so many files, each of which waits for a permit.
    #[public_method]
    async fn import(&self, files: u64, progress: &Progress) -> u64 {
        for file in 0..files {
            progress.report(file + 1, files, "orders.csv");
            let Ok(permit) = self.free.acquire().await else { break };
            permit.forget();
        }
        files
    }
}

/// Starts a server with a topic that keeps so many prices. An import waits for permits of `free`.
pub(crate) fn market(capacity: usize, free: &Arc<Semaphore>) -> TestServer {
    let free = Arc::clone(free);
    let factory = move || Market { prices: Topic::with_capacity(capacity), free: Arc::clone(&free) };
    testing::start(Server::new(factory).tokens(|token: &str| token == TOKEN))
}

/// Returns the address of its WebSocket.
pub(crate) fn socket(server: &TestServer) -> String {
    server.url("/api").replace("http://", "ws://")
}

/// Returns the number of open subscriptions to the prices.
pub(crate) fn subscriptions(server: &TestServer) -> u64 {
    let stats = server.service::<Market>().stats();
    stats.iter().find(|method| method.method == "prices").map_or(0, |method| method.subscriptions)
}

/// Sets a price of each of these values.
pub(crate) fn publish(server: &TestServer, values: impl IntoIterator<Item = u32>) {
    for value in values {
        let params = serde_json::json!({ "symbol": "PEAR", "value": value });
        let call = serde_json::json!({ "jsonrpc": "2.0", "method": "set", "params": params, "id": 1 });
        assert_eq!(server.rpc(&call)["result"], serde_json::Value::Null);
    }
}
