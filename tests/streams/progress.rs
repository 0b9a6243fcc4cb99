//! How far a call is, for callers that ask.

use std::time::Instant;

use serde_json::{Value, json};

use crate::running::start;

fn report(token: &Value, done: u64, total: u64) -> Value {
    json!({ "token": token, "value": { "done": done, "total": total, "message": "step" } })
}

#[test]
fn each_report_comes_with_the_token_of_the_call_whatever_that_is() {
    let running = start();
    let mut socket = running.connect();
    for token in [json!("a"), json!(7), json!(1.5), json!(false), json!([{ "b": 1 }]), json!({ "b": "\"" })] {
        let id = socket.start("steps", json!({ "count": 2, "_meta": { "progressToken": token } }));
        for done in 1..=2 {
            let message = socket.message();
            assert_eq!(message["method"], "$/progress", "{token}: {message}");
            assert_eq!(message["params"], report(&token, done, 2), "{token}");
            running.probe.gate.add_permits(1);
        }
        let reply = socket.message();
        assert_eq!((&reply["id"], &reply["result"]), (&json!(id), &json!(2)), "{token}: {reply}");
    }
}

#[test]
fn a_call_that_asks_for_no_reports_has_none() {
    let running = start();
    let mut socket = running.connect();
    running.probe.gate.add_permits(8);
    for params in [json!([2]), json!({ "count": 2 }), json!({ "count": 2, "_meta": { "progressToken": null } })] {
        assert_eq!(socket.result("steps", params), 2);
    }
    socket.notify("steps", json!({ "count": 2, "_meta": { "progressToken": 1 } }));
    assert_eq!(socket.result("hurry", json!([1])), false);
    let asked = json!({ "count": 1, "_meta": { "progressToken": 1 } });
    assert_eq!(socket.take_notices(), [] as [Value; 0]);
    assert_eq!(socket.result("hurry", asked.clone()), true);
    let hurry = json!({ "jsonrpc": "2.0", "method": "hurry", "params": asked, "id": 1 });
    assert_eq!(running.server.rpc(&hurry)["result"], false, "one response has no place for reports");
}

#[test]
fn only_the_newest_report_is_sent_at_most_twenty_times_a_second() {
    let running = start();
    let mut socket = running.connect();
    let began = Instant::now();
    assert_eq!(socket.result("hurry", json!({ "count": 400, "_meta": { "progressToken": 1 } })), true);
    let allowed = began.elapsed().as_millis() / 50 + 1;
    let reports = socket.take_notices();
    let done: Vec<_> = reports.iter().map(|report| report["params"]["value"]["done"].as_u64()).collect();
    assert!(done.len() as u128 <= allowed && done.len() > 1, "{allowed} allowed: {done:?}");
    assert!(done.is_sorted_by(|one, next| one < next), "{done:?}");
    let has = |member| reports.iter().any(|report| report["params"]["value"].get(member).is_some());
    assert!(!has("total"), "it is not known");
}

#[test]
fn nothing_is_reported_after_the_reply() {
    let running = start();
    let mut socket = running.connect();
    for round in 0..50 {
        let params = json!({ "count": 100, "_meta": { "progressToken": round } });
        assert_eq!(socket.result("leap", params), 100);
        let before = socket.take_notices();
        assert!(before.len() <= 1, "{before:?}");
        assert_eq!(socket.result("ping", json!([])), "pong");
        assert_eq!(socket.take_notices(), [] as [Value; 0], "round {round}");
    }
}

#[test]
fn a_cancelled_call_reports_nothing_more() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.start("steps", json!({ "count": 3, "_meta": { "progressToken": 1 } }));
    assert_eq!(socket.message()["params"], report(&json!(1), 1, 3));
    socket.notify("$/cancelRequest", json!({ "id": id }));
    assert_eq!(socket.message()["error"]["code"], -32800);
    running.probe.gate.add_permits(3);
    assert_eq!(socket.result("ping", json!([])), "pong");
    assert_eq!(socket.take_notices(), [] as [Value; 0]);
}

#[test]
fn members_of_a_batch_report_for_themselves() {
    let running = start();
    let mut socket = running.connect();
    let member = |id: u64| {
        let params = json!({ "count": 1, "_meta": { "progressToken": { "of": id } } });
        json!({ "jsonrpc": "2.0", "method": "steps", "params": params, "id": id })
    };
    socket.send(json!([member(1), member(2)]).to_string());
    let mut tokens: Vec<_> = (0..2).map(|_| socket.notice()["token"]["of"].as_u64()).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, [Some(1), Some(2)]);
    running.probe.gate.add_permits(2);
    let replies = socket.reply();
    assert_eq!((&replies[0]["result"], &replies[1]["result"]), (&json!(1), &json!(1)), "{replies}");
}
