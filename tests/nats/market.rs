//! The services of these tests.

use std::time::Duration;

use callbox::testing::TestServer;
use callbox::{CallContext, Progress, RpcError, Server, Subscription, Topic, service, testing};
use callbox_test_support::nats_server::NatsServer;
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Market {
    prices: Topic<u64>,
    sold: u64,
}

/// Sells things.
#[service(name = "shop.market", namespace = "market", vis = "pub(crate)")]
impl Market {
    /// Adds two numbers.
    #[public_method]
    fn add(&self, a: u64, b: u64) -> u64 {
        a + b
    }

    #[public_method]
    fn sell(&mut self, count: u64) -> u64 {
        self.sold += count;
        self.sold
    }

    #[public_method]
    fn refuse(&self) -> Result<(), RpcError> {
        Err(RpcError::new(7, "not\r\ntoday").with_data(&json!({ "until": 8 })))
    }

    /// Fails with an error of this text.
    #[public_method]
    fn complain(&self, text: String) -> Result<(), RpcError> {
        Err(RpcError::new(9, text))
    }

    #[private_api_method]
    fn secret(&self, call: &CallContext) -> String {
        call.caller().name().unwrap_or_default().to_owned()
    }

    #[public_method]
    fn about(&self, call: &CallContext) -> Value {
        json!({
            "transport": format!("{:?}", call.transport()),
            "id": call.request_id(),
            "tag": call.header("x-tag"),
            "left": call.remaining().as_secs_f64(),
        })
    }

    #[public_method(deadline = "20s")]
    async fn nap(&self, ms: u64, progress: &Progress) -> u64 {
        for done in 0..ms / 10 {
            progress.report(done, ms / 10, "");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ms
    }

    /// Reports so many bytes, and then few.
    #[public_method]
    async fn report(&self, bytes: usize, progress: &Progress) -> bool {
        for text in ["x".repeat(bytes), "done".to_owned()] {
            progress.report(1, 2, &text);
            // Reports that follow each other closely are sent as one.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        true
    }

    #[public_method]
    fn large(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }

    #[public_method]
    fn publish(&self, price: u64) {
        self.prices.publish(price);
    }

    #[public_method(subscription)]
    fn prices(&self) -> Subscription<u64> {
        self.prices.subscribe()
    }
}

/// Starts the services with a connection to this server.
pub(crate) fn start(nats: &NatsServer) -> TestServer {
    testing::start(server().nats(&nats.url()))
}

pub(crate) fn server() -> Server {
    Server::new(Market::default).tokens(callbox_test_support::names::Names)
}
