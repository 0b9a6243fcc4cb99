//! The service that the tests call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use callbox::client::Client;
use callbox::{Caller, Progress, RpcError, Server, Subscription, Topic, service, testing};
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Price {
    pub(crate) symbol: String,
    pub(crate) value: f64,
}

/// What a test sees of the calls that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<AtomicUsize>, Arc<Notify>);

impl Waiting {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Lets one call of `slowly` end.
    pub(crate) fn release(&self) {
        self.1.notify_one();
    }
}

/// A call that waits, until it is dropped.
struct Waits(Waiting);

impl Waits {
    fn new(waiting: &Waiting) -> Self {
        waiting.0.fetch_add(1, Ordering::SeqCst);
        Self(waiting.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
pub(crate) struct Market {
    prices: Topic<Price>,
    last: HashMap<String, Price>,
    numbers: Topic<u64>,
    noted: usize,
    waiting: Waiting,
}

#[service(name = "market", vis = "pub(crate)")]
impl Market {
    /// Sets a price.
    #[public_method]
    fn set(&mut self, symbol: String, value: f64) {
        let price = Price { symbol: symbol.clone(), value };
        self.prices.publish(price.clone());
        self.last.insert(symbol, price);
    }

    /// The price of one symbol now, and then as it changes.
    #[public_method(subscription)]
    fn prices(&self, symbol: String) -> Subscription<Price> {
        let last = self.last.get(&symbol).cloned();
        self.prices.subscribe().starting_with(last).filter(move |price| price.symbol == symbol)
    }

    /// Publishes these numbers.
    #[public_method]
    fn publish(&self, from: u64, to: u64) {
        (from..to).for_each(|number| self.numbers.publish(number));
    }

    /// All numbers from now on.
    #[public_method(subscription, unsubscribe = "drop_numbers", event = "number")]
    fn numbers(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    /// Ends by itself.
    #[public_method(subscription)]
    fn count(&self, to: u32) -> Subscription<u32> {
        Subscription::new(stream::iter(1..=to))
    }

    /// Begins only for those who ask nicely.
    #[public_method(subscription)]
    fn nicely(&self, please: bool) -> Result<Subscription<u32>, RpcError> {
        if please { Ok(Subscription::new(stream::pending())) } else { Err(RpcError::new(403, "Say please")) }
    }

    /// What it was given.
    #[public_method]
    fn echo(&self, text: String) -> String {
        text
    }

    /// The number, after so many milliseconds.
    #[public_method(idempotent)]
    async fn later(&self, number: u64, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        number
    }

    /// Never ends by itself.
    #[public_method]
    async fn wait(&self) -> u8 {
        let _waits = Waits::new(&self.waiting);
        std::future::pending().await
    }

    /// Reports so many steps, and waits after the last one until it is released.
    #[public_method]
    async fn slowly(&self, steps: u64, progress: &Progress) -> u64 {
        let _waits = Waits::new(&self.waiting);
        progress.report(steps, steps, "the last step");
        self.waiting.1.notified().await;
        steps
    }

    /// Counts its calls.
    #[public_method]
    fn note(&mut self) {
        self.noted += 1;
    }

    /// How often `note` was called.
    #[public_method]
    fn noted(&self) -> usize {
        self.noted
    }

    /// Who calls.
    #[private_api_method]
    fn who(&self, caller: &Caller) -> bool {
        caller.is_authenticated()
    }

    /// The numbers, for those with a token.
    #[private_api_method(subscription)]
    fn secret_numbers(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }
}

pub(crate) fn server() -> testing::TestServer {
    server_with(Waiting::default())
}

pub(crate) fn server_with(waiting: Waiting) -> testing::TestServer {
    let market = move || Market { waiting: waiting.clone(), ..Market::default() };
    testing::start(Server::new(market).tokens(|token: &str| token == "secret"))
}

pub(crate) fn url(server: &testing::TestServer) -> String {
    server.url("/api").replace("http://", "ws://")
}

pub(crate) async fn connect(server: &testing::TestServer) -> MarketClient {
    MarketClient::from(Client::connect(url(server)).await.unwrap())
}

/// The number of open subscriptions.
pub(crate) fn subscriptions(server: &testing::TestServer) -> u64 {
    server.stats().iter().flat_map(|service| &service.methods).map(|method| method.subscriptions).sum()
}

/// Publishes numbers from 0 on, one each millisecond, until the task is ended. Returns the last one
/// as well.
pub(crate) fn publish_all_the_time(server: &testing::TestServer) -> (JoinHandle<()>, Arc<AtomicU64>) {
    let local: MarketClient = server.service::<Market>().client();
    let published = Arc::new(AtomicU64::new(0));
    let last = Arc::clone(&published);
    let publisher = tokio::spawn(async move {
        for number in 0_u64.. {
            local.publish(number, number + 1).await.unwrap();
            last.store(number, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    (publisher, published)
}

/// Waits until a condition holds, without keeping the thread from the client.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
