//! A service with streams of all kinds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::stats::MethodStats;
use callbox::testing::TestServer;
use callbox::{BoxError, Caller, RpcError, Server, Subscription, Topic, service, testing};
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use futures::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

/// Number of items that the topic keeps.
pub(crate) const KEPT: u64 = 16;

/// What a test sees of the service.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Calls wait here until the test lets them go.
    pub(crate) gate: Semaphore,
    /// Calls that are between their start and their end.
    pub(crate) inside: AtomicUsize,
    /// Streams that exist.
    pub(crate) streams: AtomicUsize,
    /// Number that changes when tokens are revoked, and while it is odd, nobody is known.
    pub(crate) revoked: AtomicUsize,
}

/// Counts one more as long as it exists.
pub(crate) struct Counted(Arc<Probe>, fn(&Probe) -> &AtomicUsize);

impl Counted {
    fn new(probe: &Arc<Probe>, count: fn(&Probe) -> &AtomicUsize) -> Self {
        count(probe).fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(probe), count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

/// A stream whose existence the test sees.
fn seen<S: Stream + Send + 'static>(
    probe: &Arc<Probe>,
    stream: S,
) -> impl Stream<Item = S::Item> + Send + 'static + use<S> {
    let counted = Counted::new(probe, |probe| &probe.streams);
    stream.inspect(move |_| _ = &counted)
}

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

    #[public_method]
    async fn sleep(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
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

/// Knows `ann`, who has no scopes, and `root`, unless they are revoked. Takes long for `slow`.
struct Tokens(Arc<Probe>);

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        if token == "slow" {
            self.0.inside.fetch_add(1, Ordering::SeqCst);
            self.0.gate.acquire().await?.forget();
            self.0.inside.fetch_sub(1, Ordering::SeqCst);
        }
        let is_revoked = self.0.revoked.load(Ordering::SeqCst) % 2 == 1;
        Ok(match token {
            _ if is_revoked => None,
            "ann" | "slow" => Some(Caller::named("ann")),
            "root" => Some(Caller::named("root").with_scope("audit")),
            _ => None,
        })
    }

    fn generation(&self) -> u64 {
        self.0.revoked.load(Ordering::SeqCst) as u64
    }
}

pub(crate) struct Running {
    pub(crate) server: TestServer,
    pub(crate) probe: Arc<Probe>,
}

pub(crate) fn start() -> Running {
    start_with(|server| server)
}

pub(crate) fn start_with(build: impl FnOnce(Server) -> Server) -> Running {
    keep_quiet_about_panics_on_purpose();
    let zero = || AtomicUsize::new(0);
    let probe = Arc::new(Probe { gate: Semaphore::new(0), inside: zero(), streams: zero(), revoked: zero() });
    let of_service = Arc::clone(&probe);
    let market = move || Market {
        probe: Arc::clone(&of_service),
        numbers: Topic::with_capacity(KEPT as usize),
        prices: Topic::new(),
        last: None,
    };
    let server = Server::new(market).service(Clock::default).tokens(Tokens(Arc::clone(&probe))).workers(2);
    Running { server: testing::start(build(server)), probe }
}

impl Running {
    pub(crate) fn connect(&self) -> WebSocket {
        WebSocket::open(self.server.address())
    }

    pub(crate) fn connect_as(&self, token: &str) -> WebSocket {
        WebSocket::with_token(self.server.address(), token)
    }

    /// Publishes numbers over HTTP.
    #[track_caller]
    pub(crate) fn publish(&self, numbers: std::ops::Range<u64>) {
        let call = json!({ "jsonrpc": "2.0", "method": "publish", "params": [numbers.start, numbers.end], "id": 1 });
        assert_eq!(self.server.rpc(&call)["result"], Value::Null);
    }

    /// Number of calls that wait for a permit.
    pub(crate) fn inside(&self) -> usize {
        self.probe.inside.load(Ordering::SeqCst)
    }

    /// Waits until so many calls wait for a permit.
    #[track_caller]
    pub(crate) fn until_inside(&self, calls: usize) {
        until("so many calls wait", || self.inside() == calls);
    }

    /// Number of subscriptions of all methods.
    pub(crate) fn subscriptions(&self) -> u64 {
        let services = self.server.stats();
        services.iter().flat_map(|service| &service.methods).map(|method| method.subscriptions).sum()
    }

    pub(crate) fn stats(&self, method: &str) -> MethodStats {
        let methods = self.server.stats().into_iter().flat_map(|service| service.methods);
        methods.into_iter().find(|stats| stats.method == method).expect("there is such a method")
    }

    /// Waits until no subscription is left, nor any stream.
    #[track_caller]
    pub(crate) fn until_nothing_is_left(&self) {
        until("the subscriptions have ended", || self.subscriptions() == 0);
        until("their streams are dropped", || self.probe.streams.load(Ordering::SeqCst) == 0);
    }
}
