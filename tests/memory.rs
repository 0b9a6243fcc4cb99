//! What is kept when connections are gone: nothing.

use std::alloc::System;

use callbox::testing::{self, TestServer};
use callbox::{Progress, Server, Subscription, Topic, service};
use callbox_test_support::event_stream::EventStream;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

struct Feed {
    numbers: Topic<u64>,
}

#[service(name = "test.feed")]
impl Feed {
    #[public_method]
    fn publish(&self, number: u64) {
        self.numbers.publish(number);
    }

    #[public_method(subscription)]
    fn numbers(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    /// Reports that it has begun, and never ends.
    #[public_method(in_flight = 1024)]
    async fn work(&self, progress: &Progress) {
        progress.report(1, 2, "begun");
        std::future::pending::<()>().await;
    }
}

/// Starts a call that reports its progress, and waits for the first report.
fn work(socket: &mut WebSocket) -> u64 {
    let id = socket.start("work", json!({ "_meta": { "progressToken": "t" } }));
    while socket.notice().get("token").is_none() {}
    id
}

/// Opens a WebSocket with subscriptions, a call that is cancelled and one that is under way.
fn busy_socket(server: &TestServer) -> WebSocket {
    let mut socket = WebSocket::open(server.address());
    socket.subscribe("numbers", json!([]));
    socket.subscribe("numbers", json!({ "_meta": { "minIntervalMs": 3_600_000 } }));
    let ended = socket.subscribe("numbers", json!([]));
    assert_eq!(socket.result("rpc.unsubscribe", json!([ended])), true);
    let cancelled = work(&mut socket);
    socket.notify("$/cancelRequest", json!({ "id": cancelled }));
    assert_eq!(socket.reply()["error"]["code"], -32800);
    work(&mut socket);
    socket
}

/// Opens a response of events with a subscription.
fn event_stream(server: &TestServer) -> EventStream {
    let call = json!({ "jsonrpc": "2.0", "method": "numbers", "id": 1 });
    let mut stream = EventStream::open(server.address(), &[], call.to_string());
    stream.event().expect("a reply");
    stream
}

/// Whether no connection is open, and nothing of one is left in the statistics.
fn is_idle(server: &TestServer) -> bool {
    let connections = server.connections();
    let methods = server.stats().into_iter().flat_map(|service| service.methods);
    let left: u64 = methods.map(|method| method.running + method.subscriptions + method.depth as u64).sum();
    (connections.websockets, connections.event_streams, left) == (0, 0, 0)
}

/// Opens so many connections of each kind, which get a number, and then leave: some by closing,
/// some without a word.
fn come_and_go(server: &TestServer, connections: usize) {
    let mut sockets: Vec<_> = (0..connections).map(|_| busy_socket(server)).collect();
    let mut streams: Vec<_> = (0..connections).map(|_| event_stream(server)).collect();
    assert_eq!(sockets[0].result("publish", json!([7])), Value::Null);
    for socket in &mut sockets {
        assert_eq!([(); 2].map(|()| socket.notice()["result"].clone()), [7, 7]);
    }
    for stream in &mut streams {
        assert_eq!(stream.notice()["result"], 7);
    }
    let silent = sockets.split_off(connections / 2);
    sockets.into_iter().for_each(|socket| assert_eq!(socket.close(), [] as [Value; 0]));
    drop((silent, streams));
    until("all are gone", || is_idle(server));
}

/// Returns the number of allocations that were not freed, and their bytes.
fn live() -> (usize, usize) {
    let stats = ALLOCATOR.stats();
    (stats.allocations - stats.deallocations, stats.bytes_allocated - stats.bytes_deallocated)
}

#[test]
fn when_connections_are_gone_the_memory_that_they_took_is_free() {
    const AT_ONCE: usize = 50;
    const ROUNDS: usize = 4;
    // It keeps one item, so that it holds as much after the first round as after the last.
    let server = testing::start(Server::new(|| Feed { numbers: Topic::with_capacity(1) }).workers(2));
    // The first rounds fill what is kept for later use: pools of buffers, and room in tables.
    (0..2).for_each(|_| come_and_go(&server, AT_ONCE));
    let before = live();
    (0..ROUNDS).for_each(|_| come_and_go(&server, AT_ONCE));
    // Less than one allocation, and than 64 bytes, for each of the connections.
    let connections = 2 * AT_ONCE * ROUNDS;
    until(&format!("the memory is as before: {before:?}, {:?}", live()), || {
        let now = live();
        now.0 < before.0 + connections / 4 && now.1 < before.1 + 64 * connections
    });
}
