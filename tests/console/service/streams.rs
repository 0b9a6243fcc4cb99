//! A service with subscriptions, and with calls that take their time.

use callbox::{Progress, Server, Subscription, Topic, service};
use futures::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Number of prices that the topic keeps.
const KEPT: usize = 16;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Price {
    symbol: String,
    value: u64,
}

pub(crate) struct Ticker {
    prices: Topic<Price>,
    /// What calls of `work` wait for.
    steps: Semaphore,
}

impl Default for Ticker {
    fn default() -> Self {
        Self { prices: Topic::with_capacity(KEPT), steps: Semaphore::new(0) }
    }
}

#[service(name = "test.ticker", namespace = "ticker")]
impl Ticker {
    /// Publishes as many prices as `count` says.
    #[public_method]
    fn publish(&self, symbol: String, #[param(default = 1)] count: u64) {
        for value in 0..count {
            self.prices.publish(Price { symbol: symbol.clone(), value });
        }
    }

    /// The prices of a symbol, as they change.
    #[public_method(subscription)]
    fn prices(&self, symbol: String) -> Subscription<Price> {
        self.prices.subscribe().filter(move |price| price.symbol == symbol)
    }

    /// Counts to a number.
    #[public_method(subscription)]
    pub(crate) fn count(&self, to: u64) -> Subscription<u64> {
        Subscription::new(stream::iter(1..=to))
    }

    /// Sends so many prices as fast as they are read, and then no more.
    #[public_method(subscription)]
    fn flood(&self, count: u64) -> Subscription<Price> {
        let prices = stream::iter(0..count).map(|value| Price { symbol: "ACME".to_owned(), value });
        Subscription::new(prices.chain(stream::pending()))
    }

    /// Breaks after one item.
    #[public_method(subscription)]
    fn break_down(&self) -> Subscription<u64> {
        Subscription::new(stream::iter(0..2).inspect(|item| assert!(*item == 0, "on purpose")))
    }

    /// Counts, for those with a token.
    #[private_api_method(subscription)]
    fn audit(&self) -> Subscription<u64> {
        Subscription::new(stream::iter(1..=3))
    }

    /// Does one step after the other.
    #[public_method]
    async fn work(&self, steps: u64, progress: &Progress) -> u64 {
        for done in 0..steps {
            progress.report(done, steps, format_args!("step {}", done + 1));
            let Ok(permit) = self.steps.acquire().await else { return done };
            permit.forget();
        }
        steps
    }

    /// Lets `work` do so many steps.
    #[public_method]
    fn permit(&self, steps: usize) {
        self.steps.add_permits(steps);
    }
}

pub(crate) fn streams() -> Server {
    Server::new(Ticker::default).tokens(|token: &str| token == "hello_world")
}
