//! A service with streams of all kinds.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use callbox::{Progress, RpcError, Subscription, Topic, service};
use futures::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::probe::{Counted, Probe, seen};

/// Number of items that the topic keeps.
pub(crate) const KEPT: u64 = 16;

#[derive(Clone, Debug, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct Price {
    symbol: String,
    value: f64,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("on purpose");
        }
    }
}

pub(crate) struct Market {
    probe: Arc<Probe>,
    numbers: Topic<u64>,
    prices: Topic<Price>,
    last: Option<Price>,
}

impl Market {
    pub(crate) fn new(probe: &Arc<Probe>) -> Self {
        let numbers = Topic::with_capacity(KEPT as usize);
        Self { probe: Arc::clone(probe), numbers, prices: Topic::new(), last: None }
    }
}

#[service(name = "test.market")]
impl Market {
    #[public_method]
    fn ping(&self) -> String {
        "pong".into()
    }

    /// Publishes numbers up to, but without, the last.
    #[public_method]
    fn publish(&self, from: u64, to: u64) {
        (from..to).for_each(|number| self.numbers.publish(number));
    }

    #[public_method]
    fn close_numbers(&self) {
        self.numbers.close();
    }

    #[public_method]
    fn set(&mut self, symbol: String, value: f64) {
        let price = Price { symbol, value };
        self.prices.publish(price.clone());
        self.last = Some(price);
    }

    #[public_method(subscription)]
    fn numbers(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    #[public_method(subscription)]
    fn numbers_after(&self, first: Vec<u64>) -> Subscription<u64> {
        self.numbers.subscribe().starting_with(first)
    }

    #[public_method(subscription)]
    fn multiples(&self, of: u64) -> Subscription<u64> {
        self.numbers.subscribe().filter(move |number| number % of == 0)
    }

    /// Multiples, of which many are published before the subscription has begun.
    #[public_method(subscription)]
    fn late_multiples(&self, of: u64, from: u64, to: u64) -> Subscription<u64> {
        let numbers = self.numbers.subscribe();
        self.publish(from, to);
        numbers.filter(move |number| number % of == 0)
    }

    #[public_method(subscription)]
    fn labels(&self) -> Subscription<String> {
        self.numbers.subscribe().map(|number| format!("n{number}"))
    }

    /// Panics at the number 7.
    #[public_method(subscription)]
    fn picky(&self) -> Subscription<u64> {
        self.numbers.subscribe().map(|number| if *number == 7 { panic!("on purpose") } else { *number })
    }

    #[public_method(subscription, event = "price_changed", unsubscribe = "unsubscribe_prices")]
    fn prices(&self, symbol: String) -> Subscription<Price> {
        self.prices.subscribe().starting_with(self.last.clone()).filter(move |price| price.symbol == symbol)
    }

    #[public_method(subscription)]
    fn count(&self, to: u64) -> impl Stream<Item = u64> + Send + 'static {
        seen(&self.probe, stream::iter(1..=to))
    }

    #[public_method(subscription)]
    async fn count_later(&self, to: u64) -> Result<impl Stream<Item = u64> + Send + 'static, RpcError> {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        if to == 0 { Err(RpcError::new(7, "nothing to count")) } else { Ok(seen(&self.probe, stream::iter(1..=to))) }
    }

    #[public_method(subscription)]
    async fn count_alone(&mut self, to: u64) -> Subscription<u64> {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        Subscription::new(seen(&self.probe, stream::iter(1..=to)))
    }

    /// Has no item and no end.
    #[public_method(subscription)]
    fn silence(&self) -> impl Stream<Item = u64> + Send + 'static {
        seen(&self.probe, stream::pending())
    }

    /// Is always ready.
    #[public_method(subscription)]
    fn endless(&self) -> impl Stream<Item = u64> + Send + 'static {
        seen(&self.probe, stream::iter(0..))
    }

    /// Is never ready, and always asks to be polled again.
    #[public_method(subscription)]
    fn restless(&self) -> impl Stream<Item = u64> + Send + 'static {
        let spin = stream::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        seen(&self.probe, spin)
    }

    /// Takes a millisecond of its thread for each item.
    #[public_method(subscription)]
    fn laborious(&self) -> impl Stream<Item = u64> + Send + 'static {
        let work = |number| {
            std::thread::sleep(Duration::from_millis(1));
            number
        };
        seen(&self.probe, stream::iter(0..).map(work))
    }

    /// Panics after some items.
    #[public_method(subscription)]
    fn failing(&self, after: u64) -> impl Stream<Item = u64> + Send + 'static {
        let items = move |number| if number == after { panic!("on purpose") } else { number };
        seen(&self.probe, stream::iter(0..).map(items))
    }

    /// Panics when it is dropped.
    #[public_method(subscription)]
    fn explosive(&self) -> impl Stream<Item = u64> + Send + 'static {
        let bomb = Bomb;
        seen(&self.probe, stream::pending().inspect(move |_: &u64| _ = &bomb))
    }

    /// Cannot be written as JSON.
    #[public_method(subscription)]
    fn unwritable(&self) -> Subscription<Unwritable> {
        Subscription::new(stream::iter([Unwritable]))
    }

    #[public_method(subscription)]
    fn refused(&self) -> Result<Subscription<u64>, RpcError> {
        Err(RpcError::new(7, "there is nothing here"))
    }

    #[public_method(subscription)]
    fn crashing(&self) -> Subscription<u64> {
        panic!("on purpose")
    }

    #[public_method(subscription)]
    fn described(&self, #[param(rest)] rest: Map<String, Value>) -> Subscription<Value> {
        Subscription::new(stream::iter([Value::Object(rest)]))
    }

    #[public_method]
    fn rest(&self, #[param(rest)] rest: Map<String, Value>) -> Value {
        Value::Object(rest)
    }

    #[private_api_method(subscription)]
    fn secrets(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    #[private_api_method(subscription)]
    async fn secrets_later(&self) -> Subscription<u64> {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        self.numbers.subscribe()
    }

    #[private_api_method(subscription, scope = "audit")]
    fn audit(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    #[private_api_method]
    fn secret(&self) -> u64 {
        42
    }

    /// Waits for a permit, beside others.
    #[public_method(in_flight = 256)]
    async fn wait(&self) -> String {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        "waited".into()
    }

    /// Waits for a permit, with the state to itself.
    #[public_method]
    async fn hold(&mut self) -> String {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        self.last = None;
        "held".into()
    }

    /// One at a time, and one more that waits for its turn.
    #[public_method(mailbox = 1, in_flight = 1)]
    async fn narrow(&self) -> String {
        let _inside = Counted::new(&self.probe, |probe| &probe.inside);
        self.probe.gate.acquire().await.expect("the gate stays open").forget();
        "through".into()
    }

    /// Reports each step, and then waits for a permit.
    #[public_method]
    async fn steps(&self, count: u64, progress: &Progress) -> u64 {
        for step in 1..=count {
            progress.report(step, count, "step");
            self.probe.gate.acquire().await.expect("the gate stays open").forget();
        }
        count
    }

    /// Reports many steps, with a millisecond between two.
    #[public_method]
    async fn hurry(&self, count: u64, progress: &Progress) -> bool {
        for step in 1..=count {
            progress.report(step, None, "");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        progress.is_wanted()
    }

    /// Reports many steps at once.
    #[public_method]
    fn leap(&self, count: u64, progress: &Progress) -> u64 {
        (1..=count).for_each(|step| progress.report(step, None, ""));
        count
    }

    #[public_method]
    async fn sleep(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }

    #[public_method]
    async fn late_error(&self, ms: u64) -> Result<u64, RpcError> {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Err(RpcError::new(7, "there is nothing here"))
    }

    #[public_method]
    fn text(&self, length: usize) -> String {
        "x".repeat(length)
    }

    #[public_method]
    fn crash(&mut self) {
        panic!("on purpose")
    }
}

/// A value that JSON does not have.
#[derive(schemars::JsonSchema)]
pub(crate) struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("inner text"))
    }
}

impl<'de> Deserialize<'de> for Unwritable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it cannot be read"))
    }
}

/// Another service, which does not crash with the first.
#[derive(Default)]
pub(crate) struct Clock {
    ticks: Topic<u64>,
}

#[service(name = "test.clock", namespace = "clock")]
impl Clock {
    #[public_method]
    fn tick(&self, number: u64) {
        self.ticks.publish(number);
    }

    #[public_method(subscription)]
    fn ticks(&self) -> Subscription<u64> {
        self.ticks.subscribe()
    }
}
