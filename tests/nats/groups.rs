//! Instances of one service: they share the calls, leave and join, and lose none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox::client::{Client, Nats};
use callbox::testing::TestServer;
use callbox::{Server, service, testing};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use futures::StreamExt;
use futures::stream::{FuturesUnordered, iter};
use serde_json::{Value, json};

use super::{connect, market, run};

/// A service that says which of its instances has run a call.
struct Instance {
    number: u64,
    /// How long a call takes, in microseconds.
    micros: Arc<AtomicU64>,
}

#[service(name = "work")]
impl Instance {
    #[public_method(mailbox = 10_000)]
    fn number(&self) -> u64 {
        self.number
    }

    #[public_method(mailbox = 10_000)]
    fn turn(&mut self) -> u64 {
        std::thread::sleep(Duration::from_micros(self.micros.load(Ordering::Relaxed)));
        self.number
    }

    #[public_method(mailbox = 10_000)]
    async fn turn_async(&mut self) -> u64 {
        tokio::time::sleep(Duration::from_micros(self.micros.load(Ordering::Relaxed))).await;
        self.number
    }
}

fn instance(nats: &NatsServer, number: u64, micros: &Arc<AtomicU64>) -> TestServer {
    let micros = Arc::clone(micros);
    testing::start(Server::new(move || Instance { number, micros: Arc::clone(&micros) }).nats(&nats.url()))
}

fn instances<const N: usize>(nats: &NatsServer) -> [TestServer; N] {
    let micros = Arc::<AtomicU64>::default();
    std::array::from_fn(|number| instance(nats, number as u64, &micros))
}

async fn client(nats: &NatsServer) -> Client {
    Nats::connect(&nats.url()).await.unwrap().service("work")
}

/// Each instance gets its share of the calls.
pub(crate) fn shares() {
    let nats = NatsServer::start(&[]);
    let _instances = instances::<3>(&nats);
    run(async {
        let client = client(&nats).await;
        let mut counts = [0_u64; 3];
        for _ in 0..300 {
            counts[client.call::<u64>("number", ()).await.unwrap() as usize] += 1;
        }
        assert!(counts.iter().all(|count| *count >= 50), "{counts:?}");
    });
}

/// An instance that stops under load loses no call, even of callers that never repeat one.
pub(crate) fn stops_under_load() {
    let nats = NatsServer::start(&[]);
    let [stays, ..] = instances::<1>(&nats);
    run(async {
        let client = client(&nats).await.without_retry();
        let began = Instant::now();
        let load = iter(0..).take_while(|_| std::future::ready(began.elapsed() < Duration::from_secs(4)));
        let calls = load.map(|_| client.call::<u64>("number", ())).buffer_unordered(64);
        let restarts = async {
            let mut restarts = 0;
            while began.elapsed() < Duration::from_secs(3) {
                let started = tokio::task::block_in_place(|| instance(&nats, 7, &Arc::default()));
                tokio::time::sleep(Duration::from_millis(100)).await;
                tokio::task::block_in_place(|| drop(started));
                restarts += 1;
            }
            restarts
        };
        let counts = calls.fold((0_u64, 0_u64), |(all, moved), result| async move {
            match result {
                Ok(number) => (all + 1, moved + u64::from(number == 7)),
                Err(error) => panic!("after {all} calls: {error:?}"),
            }
        });
        let ((all, moved), restarts) = tokio::join!(counts, restarts);
        eprintln!("{all} calls, {moved} of them by the instances that stopped {restarts} times");
        assert!(moved > 100 && restarts >= 3 && all > moved, "{all} {moved} {restarts}");
    });
    drop(stays);
}

/// A slow instance leaves the group under load, and takes calls again afterwards.
pub(crate) fn slow_instance() {
    slow_instance_of("turn");
}

/// So does one whose calls await something slow.
pub(crate) fn slow_async_instance() {
    slow_instance_of("turn_async");
}

fn slow_instance_of(method: &'static str) {
    let nats = NatsServer::start(&[]);
    let (fast, slow) = (Arc::new(AtomicU64::new(1_000)), Arc::new(AtomicU64::new(20_000)));
    let instances = [instance(&nats, 0, &fast), instance(&nats, 1, &fast), instance(&nats, 2, &slow)];
    run(async {
        let raw = connect(&nats).await;
        let mut loads = raw.subscribe("callbox._load.work").await.unwrap();
        let client = client(&nats).await;
        // So many that the usual run time of each is known.
        for _ in 0..60 {
            client.call::<u64>(method, ()).await.unwrap();
        }
        let began = Instant::now();
        let mut calls = FuturesUnordered::new();
        let mut times = Vec::new();
        while began.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let client = client.clone();
            calls.push(async move {
                let began = Instant::now();
                client.call::<u64>(method, ()).await.map(|_| began.elapsed())
            });
            while let Some(Some(time)) = futures::FutureExt::now_or_never(calls.next()) {
                times.push(time.unwrap());
            }
        }
        while let Some(time) = calls.next().await {
            times.push(time.unwrap());
        }
        times.sort_unstable();
        let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        eprintln!("{} calls of {method}, p50 {p50:?}, p99 {p99:?}", times.len());
        // A third of the calls would wait for seconds if it stayed.
        assert!(p99 < Duration::from_millis(500), "{p99:?}");
        let mut said = BTreeSet::new();
        while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(100), loads.next()).await {
            let load: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            said.insert((load["id"].as_str().unwrap().to_owned(), load["methods"][method]["in"].as_bool()));
        }
        assert!(said.iter().any(|(_, is_in)| *is_in == Some(false)), "one has left: {said:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut numbers = BTreeSet::new();
        for _ in 0..60 {
            numbers.insert(client.call::<u64>(method, ()).await.unwrap());
        }
        assert!(numbers.contains(&2), "it takes calls again");
    });
    drop(instances);
}

/// Metrics show the connection and the groups.
pub(crate) fn shown() {
    let nats = NatsServer::start(&[]);
    let [one] = instances(&nats);
    let text = one.get("/metrics").body;
    for line in [
        "callbox_nats_connected 1",
        "callbox_nats_reconnects_total 0",
        r#"callbox_nats_member{service="work",method="turn"} 1"#,
        r#"callbox_nats_left_total{service="work",method="turn"} 0"#,
    ] {
        assert!(text.lines().any(|own| own == line), "{line} is missing:\n{text}");
    }
}

/// The console shows all instances, whichever of them one asks.
pub(crate) fn in_console() {
    let nats = NatsServer::start(&[]);
    let [one, other] = [(); 2].map(|()| market::start(&nats));
    let mut page = WebSocket::open_at(one.address(), "/console/socket", &[("X-Api-Token", "ann")]);
    let mailboxes = page.subscribe("rpc.watchMailboxes", json!({}));
    let mut shown = |what: &str, expected: &dyn Fn(&[Value]) -> bool| {
        until(what, || expected(page.item_of(&mailboxes)["instances"].as_array().expect("a list")));
    };
    let add = |instance: &Value| {
        let methods = instance["methods"].as_array().expect("a list");
        methods.iter().find(|method| method["method"] == "add").cloned().expect("the method")
    };
    shown("both are there, and one is this server", &|instances| {
        instances.len() == 2
            && instances.iter().filter(|instance| instance["is_own"] == true).count() == 1
            && instances.iter().all(|instance| add(instance)["in"] == true && instance["is_silent"] == false)
    });
    drop(other);
    shown("the other one has stopped", &|instances| instances.len() == 1 && instances[0]["is_own"] == true);
}
