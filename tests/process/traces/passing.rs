//! Contexts that go from a caller through a service to the services that it calls, though nobody
//! records spans.

use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::traces::{post, result, roles, traceparent};

/// The methods that call another one, which returns the context that it has got.
const WAYS: [&str; 4] = ["front.context", "front.ask_near", "front.ask_far", "front.ask_by_socket"];

pub(crate) fn unrecorded() {
    let far = roles::start("far", None, None, &[]);
    let front = roles::start("front", None, Some(&far), &[]);
    for is_sampled in [true, false] {
        let sent = traceparent(is_sampled);
        for way in WAYS {
            assert_eq!(result(&front, Some(&sent), way), json!(sent), "{way}");
        }
    }
    for way in WAYS {
        assert_eq!(result(&front, None, way), Value::Null, "{way}");
    }
}

pub(crate) fn over_websocket() {
    let far = roles::start("far", None, None, &[]);
    let front = roles::start("front", None, Some(&far), &[]);
    let sent = traceparent(true);
    let mut traced = WebSocket::open_with(front.address(), &[("traceparent", &sent)]);
    let mut plain = WebSocket::open_with(front.address(), &[]);
    let own = "00-11111111111111111111111111111111-2222222222222222-01";
    for way in WAYS {
        assert_eq!(traced.result(way, json!({})), json!(sent), "{way}");
        assert_eq!(plain.result(way, json!({})), Value::Null, "{way}");
        for socket in [&mut traced, &mut plain] {
            assert_eq!(socket.result(way, json!({ "_meta": { "traceparent": own } })), json!(own), "{way}");
        }
    }
}

pub(crate) fn malformed() {
    let front = roles::start("front", None, None, &[]);
    for sent in ["", "1", "00-0-0-00", &"x".repeat(5000), &traceparent(true).to_uppercase()] {
        assert_eq!(result(&front, Some(sent), "front.ask_near"), Value::Null, "{sent}");
    }
    let twice = [("traceparent", &*traceparent(true)), ("traceparent", &*traceparent(false))];
    assert_eq!(post(&front, &twice, "front.ask_near", &json!([])).json()["result"], Value::Null);
    let mut socket = WebSocket::open_with(front.address(), &[("traceparent", &traceparent(true))]);
    for own in [json!(7), json!("00"), json!(["00"]), Value::Null] {
        let got = socket.result("front.ask_near", json!({ "_meta": { "traceparent": own } }));
        assert_eq!(got, json!(traceparent(true)), "that of the connection holds: {own}");
    }
}
