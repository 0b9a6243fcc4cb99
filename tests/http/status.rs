//! The HTTP status of responses, and the deadline that a caller sets.

use callbox_test_support::http::{Connection, Response, request};
use callbox_test_support::wait::until;
use serde_json::json;

use callbox::ErrorStatus;

use crate::service::{call, result, start, start_with};

#[test]
fn an_answer_is_200_and_nothing_to_answer_is_204() {
    let running = start();
    let post = |body: &str| request(running.server.address(), "POST", "/api", &[], body);
    let errors =
        ["{", "[]", "1", &call("nobody", "[]"), &call("secret", "[]"), &call("panics", "[]"), &call("never", "[]")];
    for body in errors {
        let answer = post(body);
        assert_eq!(answer.status, 200, "{body}: {answer:?}");
        assert!(answer.json()["error"].is_object() && answer.header("retry-after").is_none(), "{body}: {answer:?}");
    }
    for body in [r#"{"jsonrpc":"2.0","method":"written"}"#, r#"[{"jsonrpc":"2.0","method":"nobody"}]"#] {
        let answer = post(body);
        assert_eq!((answer.status, answer.body.as_str(), answer.header("content-type")), (204, "", None), "{body}");
    }
}

#[test]
fn mapped_statuses_follow_the_error_of_a_single_call() {
    let running = start_with(|server| server.error_status(ErrorStatus::Mapped).response_limit(1000));
    let cases = [
        ("a result", call("long_text", "[1]"), "", 200, None),
        ("a notification", r#"{"jsonrpc":"2.0","method":"nobody"}"#.to_owned(), "", 204, None),
        ("a batch", format!("[{}]", call("nobody", "[]")), "", 200, None),
        ("broken", "{".to_owned(), "", 400, Some(-32700)),
        ("invalid", "{}".to_owned(), "", 400, Some(-32600)),
        ("an empty batch", "[]".to_owned(), "", 400, Some(-32600)),
        ("bad parameters", call("long_text", "[]"), "", 400, Some(-32602)),
        ("denied", call("secret", "[]"), "", 401, Some(-32001)),
        ("unknown", call("nobody", "[]"), "", 404, Some(-32601)),
        ("a panic", call("panics", "[]"), "", 500, Some(-32603)),
        ("too large", call("long_text", "[1000]"), "", 500, Some(-32004)),
        ("unavailable", call("secret", "[]"), "away", 503, Some(-32003)),
        ("late", call("never", "[]"), "", 504, Some(-32002)),
    ];
    let assert_mapped = |name: &str, body: String, token: &str, status: u16, code: Option<i32>| {
        let answer = request(running.server.address(), "POST", "/api", &[("X-Api-Token", token)], body);
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        if let Some(code) = code {
            assert_eq!(answer.json()["error"]["code"], code, "{name}");
        }
        let retry = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        assert_eq!(retry.is_some_and(|seconds| seconds >= 1), status == 503, "{name}: {answer:?}");
        assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"), "{name}");
    };
    for (name, body, token, status, code) in cases {
        assert_mapped(name, body, token, status, code);
    }
    // One call runs and four wait: the mailbox is full.
    let mut held: Vec<_> = (0..5).map(|_| Connection::open(running.server.address())).collect();
    for (n, connection) in held.iter_mut().enumerate() {
        connection.send_request("POST", "/api", &[], call("write", &format!("[{n}]")));
        until("the call is admitted", || running.stats("write").queued == n as u64 + 1);
        until("the first one runs", || running.stats("write").depth == n);
    }
    assert_mapped("busy", call("write", "[9]"), "", 503, Some(-32000));
    running.gate.add_permits(5);
    for (n, connection) in held.iter_mut().enumerate() {
        assert_eq!(connection.read_response().body, result(&n.to_string()));
    }
}

#[test]
fn a_caller_may_give_less_time_than_the_method_and_never_more() {
    let running = start();
    let with_timeout = |method: &str, seconds: &str| -> Response {
        request(running.server.address(), "POST", "/api", &[("Request-Timeout", seconds)], call(method, "[]"))
    };
    for (method, seconds, deadline_ms) in
        [("read", "0.02", 20), ("read", ".03", 30), ("never", "0.01", 10), ("never", "60", 50), ("never", "-1", 50)]
    {
        let error = &with_timeout(method, seconds).json()["error"];
        assert_eq!((&error["code"], &error["message"]), (&json!(-32002), &json!("Deadline exceeded")));
        assert_eq!(error["data"]["deadline_ms"], deadline_ms, "{method} with {seconds}");
        assert!(error["data"]["queued_ms"].is_u64(), "{error}");
    }
    until("what nobody waits for is given up", || running.reading.load(std::sync::atomic::Ordering::SeqCst) == 0);
    assert_eq!(running.stats("read").expired, 2);
}

#[test]
fn a_call_whose_time_passes_in_its_mailbox_never_runs() {
    let running = start();
    let mut first = Connection::open(running.server.address());
    first.send_request("POST", "/api", &[], call("write", "[1]"));
    until("the first call runs", || running.stats("write").queued == 1 && running.stats("write").depth == 0);
    let timeout = [("Request-Timeout", "0.05")];
    let late = request(running.server.address(), "POST", "/api", &timeout, call("write", "[2]")).json();
    assert_eq!(late["error"]["code"], -32002);
    assert!(late["error"]["data"]["queued_ms"].as_u64().is_some_and(|ms| ms >= 50), "all of it in the mailbox: {late}");
    running.gate.add_permits(2);
    assert_eq!(first.read_response().body, result("1"));
    assert_eq!(running.server.post(call("written", "[]")).body, result("[1]"));
}

#[test]
fn a_notification_has_all_the_time_of_its_method_whatever_its_sender_gives() {
    let running = start();
    let write = |n: u64| format!(r#"{{"jsonrpc":"2.0","method":"write","params":[{n}]}}"#);
    let timeout = [("Request-Timeout", "0.001")];
    let batch = format!("[{},{}]", write(2), call("write", "[3]"));
    assert_eq!(request(running.server.address(), "POST", "/api", &timeout, write(1)).status, 204);
    let late = request(running.server.address(), "POST", "/api", &timeout, batch).json();
    assert_eq!(late[0]["error"]["code"], -32002, "the one that is a call: {late}");
    running.gate.add_permits(3);
    // `written` has a mailbox of its own, and may run between the two.
    until("nothing is left to write", || running.stats("write").depth == 0);
    assert_eq!(running.server.post(call("written", "[]")).body, result("[1,2]"));
}
