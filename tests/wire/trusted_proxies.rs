//! Clients behind a proxy: the wrong tokens of one are not held against the others.

use callbox::{ErrorStatus, Server};
use callbox_test_support::http::request;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::calculator::{Running, batch, call, error, notification, result, start_with};
use crate::tokens::{DENIED, secret_from};

const ANN: &str = "203.0.113.7";
const MALLORY: &str = "198.51.100.1";

/// A server that takes 2 wrong tokens a minute, which no test outlasts, from each client.
fn start_behind(proxies: &[&str], settings: impl FnOnce(Server) -> Server) -> Running {
    start_with(|server| settings(server.token_failures(2).trusted_proxies(proxies.iter().copied())))
}

/// Whether this is the error of an address with too many wrong tokens, and nothing else.
pub(crate) fn is_limited(answer: &str) -> bool {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    is_limited_error(&answer)
}

fn is_limited_error(answer: &Value) -> bool {
    let wait = answer["error"]["data"]["retry_after_ms"].as_u64().unwrap_or_default();
    let reason = format!("too many wrong tokens from this address: try again in {} s", wait.div_ceil(1000));
    let data = json!({ "reason": reason, "retry_after_ms": wait });
    let error = json!({ "code": DENIED, "message": "Access denied", "data": data });
    (1..=30_000).contains(&wait) && *answer == json!({ "jsonrpc": "2.0", "error": error, "id": 1 })
}

#[test]
fn wrong_tokens_of_one_client_behind_a_proxy_deny_nobody_else_if_the_proxy_is_trusted() {
    const PROXY: &str = "127.0.0.2";
    // The list that a proxy passes on has what the client sent in front.
    let forged = format!("{ANN}, {MALLORY}");
    let quoted = format!("for={ANN};proto=https, for=\"{MALLORY}:4711\"");
    for [by_ann, by_mallory] in [
        [("X-Forwarded-For", ANN), ("X-Forwarded-For", &*forged)],
        [("Forwarded", "for=203.0.113.7"), ("Forwarded", &*quoted)],
    ] {
        for trusted in [false, true] {
            let proxies: &[&str] = if trusted { &["127.0.0.2", "fd00::/8"] } else { &[] };
            let calculator = start_behind(proxies, |server| server);
            let secret = |token: &str, header| secret_from(PROXY, calculator.server.address(), token, &[header]);
            assert_eq!(secret("good", by_ann), result("3", "1"));
            for n in 0..62 {
                let answer = secret("bad", by_mallory);
                assert!(if n < 2 { answer == error(DENIED, "1") } else { is_limited(&answer) }, "{n}: {answer}");
            }
            assert_eq!(calculator.asked(), 1 + 2);
            assert!(is_limited(&secret("good", by_mallory)), "{trusted}");
            let of_ann = secret("good", by_ann);
            assert!(if trusted { of_ann == result("3", "1") } else { is_limited(&of_ann) }, "{trusted}: {of_ann}");
            let of_proxy = secret("good", ("X-Other", "1"));
            assert!(
                if trusted { of_proxy == result("3", "1") } else { is_limited(&of_proxy) },
                "{trusted}: {of_proxy}"
            );
        }
    }
}

#[test]
fn a_client_that_is_no_proxy_gains_nothing_by_the_headers_of_one() {
    let calculator = start_behind(&["127.0.0.2"], |server| server);
    let server = calculator.server.address();
    for n in 0..20 {
        let claimed = format!("203.0.113.{n}");
        let answer = secret_from("127.0.0.3", server, "bad", &[("X-Forwarded-For", &claimed)]);
        assert!(if n < 2 { answer == error(DENIED, "1") } else { is_limited(&answer) }, "{n}: {answer}");
    }
    assert_eq!(secret_from("127.0.0.2", server, "good", &[("X-Forwarded-For", "203.0.113.0")]), result("3", "1"));
}

#[test]
fn clients_behind_a_proxy_are_told_apart_over_websockets_and_in_events_too() {
    let calculator = start_behind(&["127.0.0.0/8"], |server| server);
    let server = calculator.server.address();
    let socket = |client: &str, token: &str| {
        WebSocket::open_with(server, &[("X-Forwarded-For", client), ("X-Api-Token", token)])
    };
    for _ in 0..3 {
        assert_eq!(socket(MALLORY, "bad").error_code("secret", json!([3])), i64::from(DENIED));
    }
    let answer = socket(MALLORY, "good").call("secret", json!([3]));
    assert!(answer["error"]["data"]["retry_after_ms"].is_u64(), "{answer}");
    assert_eq!(socket(ANN, "good").result("secret", json!([3])), 3);
    let events = |client: &str| {
        let headers = [("X-Forwarded-For", client), ("X-Api-Token", "good"), ("Accept", "text/event-stream")];
        let meta = r#"{"n":3,"_meta":{"progressToken":1}}"#;
        request(server, "POST", "/api", &headers, call("secret", meta, "1")).body
    };
    assert!(events(MALLORY).contains("retry_after_ms"));
    assert!(events(ANN).contains(&result("3", "1")));
}

#[test]
fn a_limited_peer_gets_the_reason_and_the_same_one_for_a_right_token_and_a_wrong_one() {
    let calculator = start_behind(&[], |server| server.error_status(ErrorStatus::Mapped));
    let server = calculator.server.address();
    let post = |token: &str, body: String| request(server, "POST", "/api", &[("X-Api-Token", token)], body);
    for _ in 0..2 {
        let answer = post("bad", call("secret", "[3]", "1"));
        assert_eq!((answer.status, answer.body), (401, error(DENIED, "1")), "not limited yet");
    }
    assert_eq!(calculator.asked(), 2);
    for token in ["bad", "good", "admin", "away", "panic", "good"] {
        for (method, params) in [("secret", "[3]"), ("administer", "[3]"), ("secret", r#"["no number"]"#)] {
            let answer = post(token, call(method, params, "1"));
            assert!(answer.status == 429 && is_limited(&answer.body), "{token} {method}: {answer:?}");
            let wait: u64 = answer.header("retry-after").and_then(|value| value.parse().ok()).expect("seconds");
            assert!((1..=30).contains(&wait), "{answer:?}");
            assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
        }
        let members = [call("secret", "[3]", "1"), notification("secret", "[3]"), call("add", "[1,2]", "2")];
        let answer = post(token, batch(members)).json();
        assert!(is_limited_error(&answer[0]) && answer[1]["result"] == 3, "{token}: {answer}");
        // Public methods do not need a token, so they work, without a caller.
        assert_eq!(post(token, call("who_am_i", "[]", "1")).body, result("null", "1"), "{token}");
        let get = |path: &str| request(server, "GET", path, &[("X-Api-Token", token)], "");
        let document = get("/openrpc.json");
        assert!(document.status == 200 && !document.body.contains("administer"), "{token}: {document:?}");
        let metrics = get("/metrics");
        assert!(metrics.status == 429 && metrics.header("retry-after").is_some(), "{token}: {metrics:?}");
    }
    assert_eq!(calculator.asked(), 0);
    // Without a token nothing was checked, so the answer is that of any call without one.
    let answer = request(server, "POST", "/api", &[], call("secret", "[3]", "1"));
    assert_eq!((answer.status, answer.body), (401, error(DENIED, "1")));
}
