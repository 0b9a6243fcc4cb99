//! Streams that could keep their thread busy for ever, beside honest clients of the same thread.

use std::time::{Duration, Instant};

use callbox_test_support::http::Connection;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::running::{Running, start_with};

/// All connections are on one thread.
fn start() -> Running {
    start_with(|server| server.workers(1))
}

/// Makes calls for a while, and returns the longest time that one took.
fn longest_call(socket: &mut WebSocket) -> Duration {
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    while began.elapsed() < Duration::from_millis(400) {
        let sent = Instant::now();
        assert_eq!(socket.result("ping", json!([])), "pong");
        longest = longest.max(sent.elapsed());
    }
    longest
}

#[test]
fn streams_that_never_rest_leave_room_for_others_of_their_thread() {
    let cases: &[(&str, &str, Value)] = &[
        ("always wakes itself without an item", "restless", json!([])),
        ("always ready, with an interval", "endless", json!({ "_meta": { "minIntervalMs": 3_600_000 } })),
        ("always ready, with a short interval", "endless", json!({ "_meta": { "minIntervalMs": 1 } })),
        ("takes its time for each item", "laborious", json!([])),
        ("takes its time, with an interval", "laborious", json!({ "_meta": { "minIntervalMs": 1000 } })),
    ];
    for (name, method, params) in cases {
        let running = start();
        let mut honest = running.connect();
        honest.result("ping", json!([]));
        let mut busy = running.connect();
        busy.connection.0.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        for _ in 0..3 {
            busy.start(method, params.clone());
        }
        let longest = longest_call(&mut honest);
        assert!(longest < Duration::from_secs(2), "{name}: {longest:?}");
        drop(busy);
        running.until_nothing_is_left();
    }
}

#[test]
fn a_client_that_reads_an_endless_stream_gets_its_replies_and_its_other_items_in_between() {
    let running = start();
    let mut socket = running.connect();
    let endless = socket.subscribe("endless", json!([]));
    let numbers = socket.subscribe("numbers", json!([]));
    let mut next = 0;
    for notice in socket.take_notices() {
        assert_eq!(notice["params"]["result"], next);
        next += 1;
    }
    for round in 0..5 {
        let call = socket.start("publish", json!([round, round + 1]));
        let (mut is_answered, mut has_item, mut between) = (false, false, 0);
        while !(is_answered && has_item) {
            let message = socket.message();
            if message["id"] == call {
                is_answered = true;
            } else if message["params"]["subscription"] == *numbers {
                assert_eq!(message["params"]["result"], round);
                has_item = true;
            } else {
                assert_eq!(message["params"]["subscription"], *endless);
                assert_eq!(message["params"]["result"], next, "in order, and none lost");
                next += 1;
                between += 1;
            }
        }
        assert!(between < 200_000, "{between}");
    }
    let mut other = running.connect();
    assert!(longest_call(&mut other) < Duration::from_secs(2));
}

#[test]
fn a_server_with_streams_that_never_rest_stops() {
    let running = start();
    let mut sockets: Vec<_> = (0..3).map(|_| running.connect()).collect();
    let paced = json!({ "_meta": { "minIntervalMs": 3_600_000 } });
    for (socket, method) in sockets.iter_mut().zip(["restless", "endless", "laborious"]) {
        socket.subscribe(method, paced.clone());
    }
    let began = Instant::now();
    drop(running);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn streams_of_events_that_never_rest_leave_room_for_others_of_their_thread_as_well() {
    for method in ["restless", "endless", "laborious"] {
        let running = start();
        let mut honest = running.connect();
        honest.result("ping", json!([]));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut connection = Connection::open(running.server.address());
                let body = json!({ "jsonrpc": "2.0", "method": method, "id": 1 }).to_string();
                connection.send_request("POST", "/api", &[("Accept", "text/event-stream")], body);
                let stream = connection.0.try_clone().expect("a second handle");
                let reader = std::thread::spawn(move || std::io::copy(&mut connection.0, &mut std::io::sink()));
                (stream, reader)
            })
            .collect();
        let longest = longest_call(&mut honest);
        assert!(longest < Duration::from_millis(500), "{method}: {longest:?}");
        for (stream, reader) in readers {
            stream.shutdown(std::net::Shutdown::Both).expect("it is open");
            let read = reader.join().expect("no panic");
            assert!(read.is_ok_and(|bytes| bytes > 100), "{method}: it was answered");
        }
        drop(honest);
        running.until_nothing_is_left();
    }
}
