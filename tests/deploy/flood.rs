//! A flood of one method, as the dashboard shows it: what its overload panels ask for, asked of a
//! Prometheus that scrapes the flooded server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callbox::{Server, service, testing};
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use super::prometheus::{Prometheus, fill};
use super::text_of;

/// Calls that each client of the flood has open, which is as many as a connection may have.
const OPEN_CALLS: usize = 64;

/// A method that takes its time, and one that does not.
struct Kitchen;

#[service(name = "test.kitchen")]
impl Kitchen {
    #[public_method(mailbox = 32)]
    fn cook(&self) {
        std::thread::sleep(Duration::from_millis(10));
    }

    #[public_method]
    fn ring(&self) {}
}

/// Calls `cook` more often than it can be done, and `ring` now and then, until it is stopped.
fn flood(server: SocketAddr, is_done: &AtomicBool) {
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut client = WebSocket::open(server);
                (0..OPEN_CALLS).for_each(|_| _ = client.start("cook", json!([])));
                // One call for each reply, so that the mailbox is full whenever Prometheus looks.
                while !is_done.load(Ordering::Relaxed) {
                    client.reply();
                    std::thread::sleep(Duration::from_millis(1));
                    client.start("cook", json!([]));
                }
            });
        }
        let mut client = WebSocket::open(server);
        while !is_done.load(Ordering::Relaxed) {
            client.result("ring", json!([]));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

/// Returns the first query of the panel with this title.
fn query_of(panel: &str) -> String {
    let dashboard: Value = serde_json::from_str(&text_of("grafana-dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut queries = panels.iter().filter(|one| one["title"] == panel).map(|one| &one["targets"][0]["expr"]);
    let query = queries.next().and_then(Value::as_str).unwrap_or_else(|| panic!("there is no panel {panel}"));
    fill(query, "test[.]kitchen")
}

/// Returns what a panel shows now: a value for each method, or one for the service.
fn shown(prometheus: &Prometheus, panel: &str) -> BTreeMap<String, f64> {
    let samples = prometheus.query(&query_of(panel));
    let one = |sample: &Value| {
        let value = sample["value"][1].as_str().and_then(|value| value.parse().ok());
        (
            sample["metric"]["method"].as_str().unwrap_or_default().to_owned(),
            value.unwrap_or_else(|| panic!("{sample}")),
        )
    };
    samples.iter().map(one).collect()
}

pub(crate) fn shows() {
    let server = testing::start(Server::new(|| Kitchen));
    let prometheus = Prometheus::start(server.address());
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| flood(server.address(), &is_done));
        // Also if a check fails: the scope waits for the flood.
        let _end = EndOf(&is_done);
        check(&prometheus);
    });
}

/// Ends the flood when it is dropped.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until a panel shows this of the flooded method, and returns what it shows then.
fn once(prometheus: &Prometheus, panel: &str, is_seen: impl Fn(f64) -> bool) -> BTreeMap<String, f64> {
    once_of("cook", prometheus, panel, is_seen)
}

/// The same of a method, or of the service, which has the name of none. A gauge is what it was at
/// the last scrape, and a rate is none before the second one.
fn once_of(name: &str, prometheus: &Prometheus, panel: &str, is_seen: impl Fn(f64) -> bool) -> BTreeMap<String, f64> {
    let mut seen = BTreeMap::new();
    until(panel, || {
        // Prometheus has news once a second.
        std::thread::sleep(Duration::from_millis(100));
        seen = shown(prometheus, panel);
        seen.values().all(|value| value.is_finite()) && seen.get(name).is_some_and(|value| is_seen(*value))
    });
    seen
}

fn check(prometheus: &Prometheus) {
    let rejected = once(prometheus, "Rejected, by reason", |cook| cook > 0.0);
    assert_eq!(rejected.keys().collect::<Vec<_>>(), ["cook"], "the other method has no rejection: {rejected:?}");
    let filled = once(prometheus, "Mailboxes, filled", |cook| cook > 0.8);
    assert!(filled["ring"] < 0.05, "{filled:?}");
    assert!(shown(prometheus, "Rejected").values().all(|calls| *calls > 0.0));

    // It waits for most of 32 calls, and `ring` for the one that runs.
    once_of("", prometheus, "Waiting and running", |median| median > 0.05);
    let waiting = once(prometheus, "Waiting, by method", |cook| cook > 0.1);
    assert!(waiting["ring"] < waiting["cook"] / 2.0, "{waiting:?}");
    let time = once(prometheus, "Time of the methods", |cook| cook > 0.5);
    assert!(time["ring"] < 0.1, "{time:?}");
    let given_up = shown(prometheus, "Given up");
    assert!(given_up.is_empty(), "{given_up:?}");

    // The alerts have begun to count their five minutes, for this method alone.
    for alert in ["CallboxRejectsCalls", "CallboxCallsWait"] {
        let query = format!(r#"ALERTS{{alertname="{alert}",alertstate="pending"}}"#);
        until(alert, || !prometheus.query(&query).is_empty());
        for pending in prometheus.query(&query) {
            assert_eq!(pending["metric"]["method"], "cook", "{pending}");
        }
    }
}
