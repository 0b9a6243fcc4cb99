//! Each error code of callbox, its data, and which of several mistakes is reported.

use std::sync::atomic::{AtomicU32, Ordering};

use callbox::{Server, service, testing};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::wait::until;
use serde_json::{Value, json};

use crate::calculator::{INNER_TEXT, Running, call, error, result, start, start_with};

/// Fills the mailbox of a method that waits for the gate. The responses arrive on the connections.
fn fill(calculator: &Running, method: &str, token: &str, capacity: usize) -> Vec<Connection> {
    let send = |n: usize| {
        let mut connection = Connection::open(calculator.server.address());
        connection.send_request(
            "POST",
            "/api",
            &[("X-Api-Token", token)],
            call(method, &format!("[{n}]"), &n.to_string()),
        );
        connection
    };
    let first = send(0);
    until("the first call runs", || calculator.service().stats().iter().any(|s| s.queued == 1 && s.depth == 0));
    let mut all = vec![first];
    for n in 1..=capacity {
        all.push(send(n));
        until("the call waits", || calculator.waiting_and_refused(method).0 == n);
    }
    all
}

#[test]
fn the_error_of_a_full_mailbox_has_its_depth() {
    let calculator = start();
    let held = fill(&calculator, "hold", "", 2);
    let answer = calculator.server.rpc(&json!({ "jsonrpc": "2.0", "method": "hold", "params": [9], "id": 9 }));
    let data = &answer["error"]["data"];
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(-32000), &json!("Server busy")));
    assert_eq!((&data["method"], &data["depth"], &data["capacity"]), (&json!("hold"), &json!(2), &json!(2)));
    assert!(data["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{data}");
    assert!(data["retry_after_ms"].as_u64().is_some_and(|ms| ms >= 1), "{data}");
    assert_eq!(data.as_object().map(serde_json::Map::len), Some(5), "{data}");
    calculator.gate.add_permits(3);
    for (n, mut connection) in held.into_iter().enumerate() {
        assert_eq!(connection.read_response().body, result(&n.to_string(), &n.to_string()));
    }
}

#[test]
fn a_notification_is_not_answered_even_if_the_mailbox_is_full() {
    let calculator = start();
    let _held = fill(&calculator, "hold", "", 2);
    assert_eq!(calculator.answer(r#"{"jsonrpc":"2.0","method":"hold","params":[9]}"#), "");
    assert_eq!(calculator.waiting_and_refused("hold"), (2, 1));
    calculator.gate.add_permits(3);
}

#[test]
fn the_error_of_a_passed_deadline_has_its_length() {
    let calculator = start();
    let answer = calculator.server.rpc(&json!({ "jsonrpc": "2.0", "method": "never", "id": 1 }));
    assert_eq!(answer["error"]["code"], -32002);
    assert_eq!(answer["error"]["message"], "Deadline exceeded");
    let data = answer["error"]["data"].as_object().unwrap();
    assert_eq!((data.len(), &data["deadline_ms"]), (2, &json!(50)));
    assert!(data["queued_ms"].as_u64().is_some_and(|ms| ms <= 50), "{data:?}");
}

#[test]
fn a_panic_is_an_internal_error_with_an_id_and_nothing_else() {
    let calculator = start();
    let answers: Vec<Value> =
        (0..2).map(|_| calculator.server.rpc(&json!({ "jsonrpc": "2.0", "method": "panics", "id": 1 }))).collect();
    for answer in &answers {
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32603), &json!(1)));
        assert_eq!(answer["error"]["message"], "Internal error");
        let data = answer["error"]["data"].as_object().unwrap();
        assert!(data.len() == 1 && data["correlation_id"].is_string(), "{data:?}");
        for inner in [INNER_TEXT, "panic", "Calculator", ".rs"] {
            assert!(!answer.to_string().contains(inner), "{answer}");
        }
    }
    assert_ne!(answers[0], answers[1], "each has an id of its own");
    assert_eq!(calculator.answer(call("add", "[1,2]", "1")), result("3", "1"), "and the service goes on");
}

#[test]
fn the_error_of_a_method_is_returned_unchanged() {
    let calculator = start();
    let expected = r#"{"jsonrpc":"2.0","error":{"code":7,"message":"Not by zero","data":5},"id":1}"#;
    assert_eq!(calculator.answer(call("divide", "[5,0]", "1")), expected);
}

#[test]
fn a_result_over_the_limit_is_too_large() {
    let calculator = start_with(|server| server.response_limit(1000));
    assert_eq!(calculator.answer(call("long_text", "[999]", "1")), error(-32004, "1"));
    assert_eq!(calculator.answer(call("long_text", "[998]", "1")), result(&format!("\"{}\"", "x".repeat(998)), "1"));
}

struct Fragile;

#[service]
impl Fragile {
    #[public_method]
    fn break_it(&mut self) {
        panic!("on purpose")
    }

    #[public_method]
    fn ping(&self) {}
}

#[test]
fn a_service_that_is_down_is_unavailable() {
    let made = AtomicU32::new(0);
    let server = testing::start(Server::new(move || {
        assert_eq!(made.fetch_add(1, Ordering::SeqCst), 0, "no second state");
        Fragile
    }));
    let broken = server.post(call("break_it", "[]", "1"));
    assert!(broken.body.contains("-32603"), "{broken:?}");
    until("the service is down", || !server.service::<Fragile>().is_up());
    assert_eq!(server.post(call("ping", "[]", "2")).body, error(-32003, "2"));
}

#[test]
fn of_several_mistakes_the_first_in_the_order_of_the_checks_is_reported() {
    let calculator = start_with(|server| server.body_limit(2000));
    let held = fill(&calculator, "secret_hold", "good", 1);
    let large = call("add", &format!("[{}]", "1,".repeat(1500)), "1");
    let (text, json) = (("Content-Type", "text/plain"), ("Content-Type", "application/json"));
    let (bad, good) = (("X-Api-Token", "bad"), ("X-Api-Token", "good"));
    let cases = [
        ("the HTTP method before the type", "GET", vec![text], large.clone(), 405, -32600),
        ("the type before the size", "POST", vec![text], large.clone(), 415, -32600),
        ("the size before the JSON", "POST", vec![json], large, 413, -32600),
        ("the JSON before the shape", "POST", vec![json], r#"{"jsonrpc":1,}"#.to_owned(), 200, -32700),
        ("the shape before the name", "POST", vec![json], call("nobody", "5", "1"), 200, -32600),
        ("the name before the token", "POST", vec![bad], call("nobody", "[]", "1"), 200, -32601),
        ("the shape before the token", "POST", vec![bad], call("secret", "5", "1"), 200, -32600),
        ("the token before the mailbox", "POST", vec![bad], call("secret_hold", "[1]", "1"), 200, -32001),
        ("the token before the parameters", "POST", vec![bad], call("secret", r#"["x"]"#, "1"), 200, -32001),
        ("the mailbox before the parameters", "POST", vec![good], call("secret_hold", r#"["x"]"#, "1"), 200, -32000),
        ("the parameters at last", "POST", vec![good], call("secret", r#"["x"]"#, "1"), 200, -32602),
    ];
    for (name, method, headers, body, status, code) in cases {
        let answer = request(calculator.server.address(), method, "/api", &headers, body);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{name}: {answer:?}");
    }
    calculator.gate.add_permits(2);
    drop(held);
}
