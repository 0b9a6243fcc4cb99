//! What passes through a proxy: many calls, large bodies, WebSockets, streams of events.

use std::collections::HashSet;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::middleware::Next;
use callbox::testing::{self, TestServer};
use callbox::{Server, Subscription, Topic, service};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use super::proxy::{ENDPOINT, HOST, Kind, Proxy};

#[derive(Default)]
struct Shop {
    prices: Topic<u64>,
}

#[service(name = "test.shop")]
impl Shop {
    #[public_method]
    fn echo(&self, text: String) -> String {
        text
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

/// The addresses from which requests came.
type Peers = Arc<Mutex<HashSet<SocketAddr>>>;

/// Starts a server and a proxy of which both instances are that server.
fn start(kind: Kind) -> (TestServer, Proxy, Peers) {
    let peers = Peers::default();
    let seen = Arc::clone(&peers);
    let note = move |request: ServiceRequest, next: Next<BoxBody>| {
        seen.lock().unwrap().extend(request.peer_addr().filter(|_| request.path() == "/api"));
        async move { next.call(request).await }
    };
    let server = Server::new(Shop::default).allowed_hosts([HOST.1]).wrap_fn(note);
    let server = testing::start(server);
    let proxy = Proxy::start(kind, [server.address(); 2]);
    (server, proxy, peers)
}

pub(crate) fn call_of(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 }).to_string()
}

pub(crate) fn reuses(kind: Kind) {
    let (_server, proxy, peers) = start(kind);
    let mut connection = Connection::open(proxy.address);
    for n in 0..1000 {
        let text = format!("order {n}");
        connection.send_request("POST", ENDPOINT, &[HOST], call_of("echo", &json!([text])));
        let response = connection.read_response();
        assert_eq!((response.status, &response.json()["result"]), (200, &json!(text)), "{response:?}");
    }
    let connections = peers.lock().unwrap().len();
    assert!((1..=8).contains(&connections), "{connections} connections to the server");
    // Only what is below the path reaches the server.
    assert_eq!(request(proxy.address, "POST", "/api", &[HOST], call_of("echo", &json!(["x"]))).status, 404);
}

pub(crate) fn large_bodies(kind: Kind) {
    let (_server, proxy, _) = start(kind);
    let text = "x".repeat(1_000_000);
    let response = request(proxy.address, "POST", ENDPOINT, &[HOST], call_of("echo", &json!([text])));
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["result"].as_str().map(str::len), Some(1_000_000));
    // The proxy refuses what is larger, before it has the body.
    let mut connection = Connection::open(proxy.address);
    connection.send(callbox_test_support::http::head("POST", ENDPOINT, &[HOST, ("Content-Length", "1100000")]));
    assert_eq!(connection.read_response().status, 413);
}

pub(crate) fn streams(kind: Kind) {
    let (server, proxy, _) = start(kind);
    let mut socket = WebSocket::open_at(proxy.address, ENDPOINT, &[HOST]);
    let prices = socket.subscribe("prices", json!([]));

    let mut events = Connection::open(proxy.address);
    let headers = [HOST, ("Accept", "text/event-stream")];
    events.send_request("POST", ENDPOINT, &headers, call_of("prices", &json!([])));
    let open = || -> u64 {
        server.stats().iter().flat_map(|service| &service.methods).map(|method| method.subscriptions).sum()
    };
    until("both are subscribed", || open() == 2);

    for price in 0..200_u64 {
        socket.result("publish", json!([price]));
        assert_eq!(socket.item_of(&prices), json!(price));
        // Each event comes before the next one is made, so nothing buffers them.
        read_until(&mut events, &format!(r#""result":{price}"#));
    }
    drop((socket, events));
    until("the subscriptions end with their clients", || open() == 0);
}

/// Reads from a connection until it has sent this member of an object.
fn read_until(connection: &mut Connection, text: &str) {
    let mut read = Vec::new();
    let mut byte = [0];
    let start = Instant::now();
    // A silent stream has comments, so the time for each read is not enough of a limit.
    while !matches!(read.split_last(), Some((b',' | b'}', before)) if before.ends_with(text.as_bytes())) {
        assert!(start.elapsed() < Duration::from_secs(60), "no {text}: {}", String::from_utf8_lossy(&read));
        let end = connection.0.read(&mut byte);
        assert!(matches!(end, Ok(1)), "no {text} ({end:?}): {}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
}
