//! Subscriptions and progress over plain HTTP, as server-sent events.

use std::time::Duration;

use callbox_test_support::event_stream::EventStream;
use callbox_test_support::wait::until;
use serde_json::{Value, json};

use crate::running::{Running, start, start_with};
use crate::service::KEPT;

fn call(method: &str, params: impl Into<Value>) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params.into(), "id": 1 }).to_string()
}

fn open(running: &Running, method: &str, params: impl Into<Value>) -> EventStream {
    EventStream::open(running.server.address(), &[], call(method, params))
}

/// Opens the stream of a subscription, and returns its id.
fn subscribe(running: &Running, method: &str, params: impl Into<Value>) -> (EventStream, Value) {
    let mut stream = open(running, method, params);
    let reply = stream.event().expect("a reply");
    assert_eq!((&reply.id, &reply.message["id"]), (&None, &json!(1)), "{reply:?}");
    let id = reply.message["result"].clone();
    assert!(id.is_string(), "{reply:?}");
    (stream, id)
}

#[test]
fn a_subscription_answers_with_its_id_its_items_and_its_end() {
    let running = start();
    let (mut stream, id) = subscribe(&running, "count", json!([3]));
    let header = |name| stream.response.header(name).unwrap_or_default().to_owned();
    assert_eq!((stream.response.status, header("content-type")), (200, "text/event-stream".to_owned()));
    assert_eq!(header("cache-control"), "no-store");
    for item in 1..=3 {
        let event = stream.event().expect("an item");
        let params = json!({ "subscription": id, "result": item });
        assert_eq!(event.message, json!({ "jsonrpc": "2.0", "method": "count", "params": params }));
        assert_eq!(event.id, None, "it comes from no topic");
    }
    assert_eq!(stream.notice(), json!({ "subscription": id, "done": true }));
    assert_eq!(stream.event(), None);
    running.until_nothing_is_left();
    until("the stream is counted no more", || running.server.connections().event_streams == 0);
}

#[test]
fn the_id_of_an_event_is_the_cursor_of_its_item_and_resumes_the_subscription() {
    let running = start();
    let (mut stream, _) = subscribe(&running, "numbers", json!([]));
    running.publish(1..4);
    let events: Vec<_> = (0..3).map(|_| stream.event().expect("an item")).collect();
    for event in &events {
        assert_eq!(event.message["params"]["cursor"].as_str(), event.id.as_deref());
    }
    drop(stream);
    running.until_nothing_is_left();
    running.publish(4..6);
    let cursor = events[1].id.clone().expect("a cursor");
    let headers = [("Last-Event-ID", cursor.as_str())];
    let mut by_header = EventStream::open(running.server.address(), &headers, call("numbers", json!([])));
    let mut by_meta = open(&running, "numbers", json!({ "_meta": { "after": cursor } }));
    for stream in [&mut by_header, &mut by_meta] {
        stream.event().expect("a reply");
        let items: Vec<_> = (0..3).map(|_| stream.notice()["result"].clone()).collect();
        assert_eq!(items, [3, 4, 5]);
    }
    running.publish(6..6 + 2 * KEPT);
    let gap = std::iter::repeat_with(|| by_header.notice()).find(|notice| notice["result"] == 5 + 2 * KEPT);
    assert!(gap.is_some_and(|notice| notice["subscription"].is_string()));
}

#[test]
fn closing_the_connection_ends_the_subscription_and_gives_the_call_up() {
    let running = start();
    for method in ["silence", "endless", "numbers"] {
        drop(subscribe(&running, method, json!([])));
        running.until_nothing_is_left();
    }
    let headers = [("Accept", "text/event-stream")];
    let mut waiting = callbox_test_support::http::Connection::open(running.server.address());
    let body = call("count_later", json!([1]));
    waiting.send_request("POST", "/api", &headers, body);
    running.until_inside(1);
    drop(waiting);
    running.until_inside(0);
}

#[test]
fn what_has_only_one_answer_is_answered_as_always() {
    let running = start();
    for (method, params, code) in [
        ("ping", json!([]), None),
        ("text", json!({ "length": 2, "_meta": { "after": "x" } }), None),
        ("refused", json!([]), Some(7)),
        ("multiples", json!([]), Some(-32602)),
        ("secrets", json!([]), Some(-32001)),
        ("nothing", json!([]), Some(-32601)),
    ] {
        let stream = open(&running, method, params);
        assert_eq!(stream.response.header("content-type"), Some("application/json"), "{method}");
        assert_eq!(stream.response.json()["error"]["code"].as_i64(), code, "{method}");
    }
    let batch = format!("[{},{}]", call("count", json!([1])), call("ping", json!([])));
    let batch = EventStream::open(running.server.address(), &[], batch).response.json();
    assert_eq!((&batch[0]["error"]["code"], &batch[1]["result"]), (&json!(-32600), &json!("pong")));
    let notification = json!({ "jsonrpc": "2.0", "method": "count", "params": [1] }).to_string();
    assert_eq!(EventStream::open(running.server.address(), &[], notification).response.status, 204);
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 1 } }).to_string();
    assert_eq!(EventStream::open(running.server.address(), &[], cancel).response.status, 204);
    assert_eq!(running.subscriptions(), 0);
}

#[test]
fn only_a_client_that_names_the_type_gets_events() {
    let running = start();
    for accept in ["*/*", "text/*", "application/json", ""] {
        let mut connection = callbox_test_support::http::Connection::open(running.server.address());
        connection.send_request("POST", "/api", &[("Accept", accept)], call("count", json!([1])));
        let response = connection.read_response();
        assert_eq!(response.json()["error"]["code"], -32600, "{accept}: {response:?}");
    }
}

#[test]
fn a_call_whose_progress_is_asked_for_reports_it_before_its_response() {
    let running = start();
    let mut stream = open(&running, "steps", json!({ "count": 3, "_meta": { "progressToken": "t" } }));
    for done in 1..=3 {
        let report = json!({ "token": "t", "value": { "done": done, "total": 3, "message": "step" } });
        let expected = json!({ "jsonrpc": "2.0", "method": "$/progress", "params": report });
        assert_eq!(stream.event().map(|event| event.message), Some(expected));
        running.probe.gate.add_permits(1);
    }
    let reply = stream.event().map(|event| event.message);
    assert_eq!(reply, Some(json!({ "jsonrpc": "2.0", "result": 3, "id": 1 })));
    assert_eq!(stream.event(), None);
}

#[test]
fn a_quiet_stream_is_kept_alive_by_comments() {
    let running = start_with(|server| server.websocket_ping(Duration::from_millis(50)));
    let (mut stream, _) = subscribe(&running, "numbers", json!([]));
    std::thread::sleep(Duration::from_millis(500));
    running.publish(1..2);
    assert_eq!(stream.notice()["result"], 1);
    assert!((2..=10).contains(&stream.comments), "{}", stream.comments);
}

#[test]
fn a_call_that_reports_nothing_for_long_is_kept_alive_as_well() {
    let running = start_with(|server| server.websocket_ping(Duration::from_millis(50)));
    let params = json!({ "ms": 500, "_meta": { "progressToken": "t" } });
    let mut stream = open(&running, "sleep", params);
    let reply = stream.event().map(|event| event.message);
    assert_eq!(reply, Some(json!({ "jsonrpc": "2.0", "result": 500, "id": 1 })));
    assert!((2..=10).contains(&stream.comments), "{}", stream.comments);
    assert_eq!(stream.event(), None);
}

#[test]
fn a_call_without_events_that_takes_long_is_answered_as_always() {
    let running = start_with(|server| server.websocket_ping(Duration::from_millis(50)));
    let stream = open(&running, "sleep", json!({ "ms": 300, "_meta": { "requestId": "r" } }));
    assert_eq!(stream.response.header("content-type"), Some("application/json"));
    assert_eq!(stream.response.json()["result"], 300);
    let error = open(&running, "late_error", json!({ "ms": 300, "_meta": {} })).response;
    assert_eq!((error.header("content-type"), &error.json()["error"]["code"]), (Some("application/json"), &json!(7)));
}

#[test]
fn a_client_of_http_1_0_which_knows_no_chunks_gets_no_events() {
    let running = start();
    let body = call("count", json!([1]));
    let mut connection = callbox_test_support::http::Connection::open(running.server.address());
    let head = callbox_test_support::http::head(
        "POST",
        "/api",
        &[("Accept", "text/event-stream"), ("Content-Length", &body.len().to_string())],
    );
    connection.send(head.replace("HTTP/1.1", "HTTP/1.0") + &body);
    let response = connection.read_response();
    assert_eq!(response.json()["error"]["code"], -32600, "{response:?}");
}

#[test]
fn the_token_of_a_subscription_is_checked_and_counted_once() {
    let running = start();
    let token = [("X-Api-Token", "root")];
    let accepted = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with(r#"callbox_auth_total{outcome="accepted"} "#));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).expect("it is there")
    };
    let metrics = || running.server.with_token("root").get("/metrics").body;
    // Each look at the metrics has a token as well.
    let before = accepted(&metrics());
    for params in [json!([]), json!({ "_meta": { "minIntervalMs": 1 } })] {
        let mut audit = EventStream::open(running.server.address(), &token, call("audit", params));
        audit.event().expect("a reply");
    }
    assert_eq!(accepted(&metrics()) - before, 2 + 1);
}

#[test]
fn a_stream_ends_with_its_token_and_with_its_state() {
    let running = start();
    let token = [("X-Api-Token", "root")];
    let mut audit = EventStream::open(running.server.address(), &token, call("audit", json!([])));
    audit.event().expect("a reply");
    let (mut numbers, _) = subscribe(&running, "numbers", json!([]));
    running.probe.revoked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(audit.notice()["error"]["code"], -32001);
    assert_eq!(audit.event(), None);
    running.server.rpc(&json!({ "jsonrpc": "2.0", "method": "crash", "id": 1 }));
    assert_eq!(numbers.notice()["error"]["code"], -32003);
    assert_eq!(numbers.event(), None);
}
