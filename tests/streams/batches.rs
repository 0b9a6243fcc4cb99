//! Batches over a WebSocket.

use serde_json::{Value, json};

use crate::running::start;

fn member(method: &str, params: impl Into<Value>, id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params.into(), "id": id })
}

fn results(reply: &Value) -> Vec<&Value> {
    reply
        .as_array()
        .expect("a batch")
        .iter()
        .map(|member| member.get("result").unwrap_or(&member["error"]["code"]))
        .collect()
}

#[test]
fn the_reply_to_a_batch_is_one_frame_in_the_order_of_its_members() {
    let running = start();
    let mut socket = running.connect();
    socket.send(json!([member("wait", json!([]), 1), member("ping", json!([]), 2)]).to_string());
    let other = socket.start("ping", json!([]));
    assert_eq!(socket.message()["id"], other, "it does not wait for the batch");
    running.probe.gate.add_permits(1);
    let reply = socket.message();
    assert_eq!(results(&reply), [&json!("waited"), &json!("pong")], "{reply}");
}

#[test]
fn a_batch_of_notifications_alone_is_not_answered() {
    let running = start();
    let mut socket = running.connect();
    let ping = json!({ "jsonrpc": "2.0", "method": "ping" });
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 1 } });
    socket.send(json!([ping, cancel, ping]).to_string());
    assert_eq!(socket.call("ping", json!([]))["result"], "pong");
}

#[test]
fn subscriptions_in_a_batch_send_nothing_before_its_reply() {
    let running = start();
    let mut socket = running.connect();
    let batch = [
        member("count", json!([2]), 1),
        member("numbers_after", json!([[7]]), 2),
        member("wait", json!([]), 3),
        member("refused", json!([]), 4),
    ];
    socket.send(json!(batch).to_string());
    running.until_inside(1);
    running.publish(8..10);
    running.probe.gate.add_permits(1);
    let reply = socket.message();
    let ids: Vec<_> = reply.as_array().expect("a batch").iter().map(|member| member["result"].clone()).collect();
    let (count, numbers) = (ids[0].as_str().expect("an id"), ids[1].as_str().expect("an id"));
    assert_ne!(count, numbers);
    assert_eq!((&ids[2], &reply[3]["error"]["code"]), (&json!("waited"), &json!(7)), "{reply}");
    assert_eq!([(); 3].map(|()| socket.item_of(numbers)), [7, 8, 9]);
    assert_eq!([(); 2].map(|()| socket.item_of(count)), [1, 2]);
    assert_eq!(socket.notice_of(count)["done"], true);
}

#[test]
fn a_batch_may_unsubscribe_several() {
    let running = start();
    let mut socket = running.connect();
    let ids = ["endless", "numbers", "silence"].map(|method| socket.subscribe(method, json!([])));
    socket.take_notices();
    let batch = [
        member("rpc.unsubscribe", json!([ids[0]]), 1),
        member("rpc.unsubscribe", json!([ids[1]]), 2),
        member("rpc.unsubscribe", json!([ids[0]]), 3),
        member("unsubscribe_prices", json!([ids[2]]), 4),
        member("unsubscribe_prices", json!([ids[1]]), 5),
    ];
    socket.send(json!(batch).to_string());
    let reply = socket.reply();
    let expected = [json!(true), json!(true), json!(false), json!(true), json!(false)];
    assert_eq!(results(&reply), expected.iter().collect::<Vec<_>>(), "{reply}");
    socket.take_notices();
    assert_eq!(socket.close(), [] as [Value; 0]);
    running.until_nothing_is_left();
}

#[test]
fn envelopes_that_are_not_valid_are_answered_as_over_http() {
    let running = start();
    let mut socket = running.connect();
    let bodies = [
        "",
        " ",
        "{",
        "[]",
        "[1,2]",
        "null",
        "1",
        r#""x""#,
        "{}",
        r#"{"jsonrpc":"2.0","method":"ping","id":1}x"#,
        r#"{"jsonrpc":"1.0","method":"ping","id":1}"#,
        r#"{"jsonrpc":"2.0","method":"ping","id":{}}"#,
        r#"{"jsonrpc":"2.0","method":"ping","params":5,"id":1}"#,
        r#"{"jsonrpc":"2.0","result":1,"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1},"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"$/progress","id":1}"#,
        r#"{"jsonrpc":"2.0","method":"$/","id":1}"#,
        r#" [ {"jsonrpc":"2.0","method":"ping","id":null} ] "#,
    ];
    for body in bodies {
        let over_http: Value = serde_json::from_str(&running.server.post(body).body).expect("JSON");
        socket.send(body);
        assert_eq!(socket.message(), over_http, "{body:?}");
    }
}

#[test]
fn names_that_begin_with_a_dollar_and_a_slash_are_nobodys_method() {
    let running = start();
    let mut socket = running.connect();
    for method in ["$/cancelRequest", "$/progress", "$/other", "$/"] {
        assert_eq!(socket.error_code(method, json!({ "id": 1 })), -32601, "{method}");
        socket.notify(method, json!({ "id": 1 }));
    }
    assert_eq!(socket.call("ping", json!([]))["result"], "pong", "and no notification was answered");
}

#[test]
fn a_member_may_cancel_a_call_of_its_own_batch_that_has_begun() {
    let running = start();
    let mut socket = running.connect();
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 1 } });
    for members in [1, 2] {
        let calls = [member("wait", json!([]), 1), member("ping", json!([]), 2)];
        let batch: Vec<_> = calls[..members].iter().chain([&cancel]).collect();
        socket.send(json!(batch).to_string());
        let reply = socket.message();
        assert_eq!(results(&reply)[0], &json!(-32800), "{reply}");
    }
    let stats = running.stats("wait");
    assert_eq!((stats.cancelled, stats.answered), (2, 0));
}
