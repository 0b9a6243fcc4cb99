//! What publishing costs, however many have subscribed: each item is written as JSON once, and the
//! method that publishes stays short.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use callbox::testing::{self, TestServer};
use callbox::{Server, Subscription, Topic, service};
use callbox_test_support::event_stream::EventStream;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What the test sees of the service.
#[derive(Debug, Default)]
struct Seen {
    /// How often each tick was written as JSON.
    written: Mutex<BTreeMap<u64, usize>>,
    /// The threads that took ticks, by the name that the subscriber has given.
    threads: Mutex<BTreeMap<String, BTreeSet<u64>>>,
    /// Number of ticks that were left out, of all subscribers together.
    left_out: AtomicU64,
}

/// A number that knows how often it is written.
struct Tick {
    number: u64,
    seen: Arc<Seen>,
}

impl Serialize for Tick {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        *self.seen.written.lock().expect("no panic").entry(self.number).or_default() += 1;
        serializer.serialize_u64(self.number)
    }
}

impl JsonSchema for Tick {
    fn schema_name() -> Cow<'static, str> {
        "Tick".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}

struct Ticker {
    seen: Arc<Seen>,
    ticks: Topic<Tick>,
}

#[service(name = "test.ticker", client = false)]
impl Ticker {
    #[public_method]
    fn publish(&self, number: u64) {
        self.ticks.publish(Tick { number, seen: Arc::clone(&self.seen) });
    }

    #[public_method(subscription)]
    fn ticks(&self) -> Subscription<Tick> {
        self.ticks.subscribe()
    }

    /// All of them, and notes who takes them.
    #[public_method(subscription)]
    fn noted(&self, name: String) -> Subscription<Tick> {
        let seen = Arc::clone(&self.seen);
        self.ticks.subscribe().filter(move |_| {
            seen.threads.lock().expect("no panic").entry(name.clone()).or_default().insert(thread_number());
            true
        })
    }

    /// None of them.
    #[public_method(subscription)]
    fn none(&self) -> Subscription<Tick> {
        let seen = Arc::clone(&self.seen);
        self.ticks.subscribe().filter(move |_| {
            seen.left_out.fetch_add(1, Ordering::SeqCst);
            false
        })
    }
}

/// Returns a number for this thread.
fn thread_number() -> u64 {
    static KNOWN: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
    let (mut known, own) = (KNOWN.lock().expect("no panic"), thread::current().id());
    let at = known.iter().position(|id| *id == own).unwrap_or_else(|| {
        known.push(own);
        known.len() - 1
    });
    at as u64
}

fn start(threads: usize) -> (TestServer, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let of_service = Arc::clone(&seen);
    let ticker = move || Ticker { seen: Arc::clone(&of_service), ticks: Topic::new() };
    (testing::start(Server::new(ticker).workers(threads)), seen)
}

#[test]
fn each_item_is_written_as_json_once_for_all_subscribers_of_both_threads() {
    const ITEMS: u64 = 100;
    let (server, seen) = start(2);
    let paced = json!({ "name": "a WebSocket", "_meta": { "minIntervalMs": 1 } });
    let mut sockets: Vec<_> = (0..20).map(|_| WebSocket::open(server.address())).collect();
    for socket in &mut sockets {
        for (method, params) in [("ticks", json!([])), ("noted", json!(["a WebSocket"])), ("noted", paced.clone())] {
            socket.subscribe(method, params);
        }
    }
    let mut streams: Vec<_> = (0..20)
        .map(|_| {
            let call = json!({ "jsonrpc": "2.0", "method": "noted", "params": ["an event stream"], "id": 1 });
            let mut stream = EventStream::open(server.address(), &[], call.to_string());
            stream.event().expect("a reply");
            stream
        })
        .collect();
    let mut publisher = WebSocket::open(server.address());
    for number in 0..ITEMS {
        publisher.result("publish", json!([number]));
    }
    for socket in &mut sockets {
        // The paced one leaves out some, but the last one is the newest for all three.
        let last = |notice: &Value| notice["result"] == ITEMS - 1;
        let lasts = std::iter::repeat_with(|| socket.notice()).filter(last).take(3);
        assert_eq!(lasts.count(), 3);
    }
    for stream in &mut streams {
        for number in 0..ITEMS {
            assert_eq!(stream.notice()["result"], number);
        }
    }
    let threads = seen.threads.lock().expect("no panic");
    assert_eq!(threads.values().map(BTreeSet::len).collect::<Vec<_>>(), [2, 2], "{threads:?}");
    let once: BTreeMap<_, _> = (0..ITEMS).map(|number| (number, 1)).collect();
    assert_eq!(*seen.written.lock().expect("no panic"), once);
}

/// Publishes to as many subscribers as there are, and waits until all of them wait again.
fn publish(publisher: &mut WebSocket, seen: &Seen, subscribers: u64) {
    let before = seen.left_out.load(Ordering::SeqCst);
    publisher.result("publish", json!([0]));
    until("all have seen it", || seen.left_out.load(Ordering::SeqCst) == before + subscribers);
}

#[test]
fn a_method_that_publishes_to_10_000_subscribers_runs_inline() {
    const CONNECTIONS: u64 = 10;
    const PUBLISHED: u64 = 5;
    // Subscribers of the thread on which the method runs. To wake another thread may take longer
    // than a short call, whatever number of subscribers that has.
    let (server, seen) = start(1);
    let stats = |method: &str| {
        let methods = server.stats().into_iter().flat_map(|service| service.methods);
        methods.into_iter().find(|stats| stats.method == method).expect("there is such a method")
    };
    let inline = || stats("publish").inline;
    let batch: Vec<_> = (0..100).map(|id| json!({ "jsonrpc": "2.0", "method": "none", "id": id })).collect();
    let mut publisher = WebSocket::open(server.address());
    // When the system takes the thread off its core, the method looks long, and is queued for a
    // second. So one good round is enough.
    let ran_inline = (0..10).any(|_| {
        let before = inline();
        until("it is known to be short", || {
            publish(&mut publisher, &seen, 0);
            inline() >= before + 20
        });
        let mut sockets: Vec<_> = (0..CONNECTIONS).map(|_| WebSocket::open(server.address())).collect();
        for socket in &mut sockets {
            for _ in 0..10 {
                socket.send(json!(batch).to_string());
                assert_eq!(socket.reply().as_array().map(Vec::len), Some(100));
            }
        }
        assert_eq!(stats("none").subscriptions, 1_000 * CONNECTIONS);
        let before = inline();
        (0..PUBLISHED).for_each(|_| publish(&mut publisher, &seen, 1_000 * CONNECTIONS));
        let count = inline() - before;
        drop(sockets);
        until("they are gone", || stats("none").subscriptions == 0);
        count == PUBLISHED
    });
    assert!(ran_inline, "{:?}", stats("publish"));
    assert_eq!(*seen.written.lock().expect("no panic"), BTreeMap::new(), "what nobody gets is not written");
}
