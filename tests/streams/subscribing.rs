//! The start of a subscription, its items, and its end on request.

use std::time::Duration;

use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::running::{Running, start};
use crate::service::KEPT;

/// Time for which nothing may arrive.
const QUIET: Duration = Duration::from_millis(50);

/// Publishes until an item arrives, so that what was sent before it has arrived as well.
fn flush(running: &Running, socket: &mut WebSocket) -> Vec<Value> {
    let last = socket.subscribe("clock.ticks", json!([]));
    let tick = json!({ "jsonrpc": "2.0", "method": "clock.tick", "params": [1], "id": 1 });
    running.server.rpc(&tick);
    let mut notices = Vec::new();
    loop {
        let notice = socket.notice();
        if notice["subscription"] == *last {
            return notices;
        }
        notices.push(notice);
    }
}

#[test]
fn the_result_of_a_subscription_is_its_id_and_its_items_are_notifications() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!([]));
    running.publish(5..7);
    let messages: Vec<_> = (0..2).map(|_| socket.message()).collect();
    let cursor = |message: &Value| message["params"]["cursor"].as_str().expect("a cursor").to_owned();
    let (one, two) = (cursor(&messages[0]), cursor(&messages[1]));
    assert_ne!(one, two);
    let expected = |item: u64, cursor: &str| {
        let params = json!({ "subscription": id, "result": item, "cursor": cursor });
        json!({ "jsonrpc": "2.0", "method": "numbers", "params": params })
    };
    assert_eq!(messages, [expected(5, &one), expected(6, &two)]);
    assert_eq!(running.stats("numbers").subscriptions, 1);
    assert_eq!(running.stats("numbers").items, 2);
    assert_eq!(socket.close(), [] as [Value; 0]);
    running.until_nothing_is_left();
}

#[test]
fn the_name_of_the_notifications_is_that_of_the_method_with_its_namespace_or_the_event() {
    let running = start();
    let mut socket = running.connect();
    socket.subscribe("prices", json!(["ACME"]));
    socket.subscribe("clock.ticks", json!([]));
    socket.result("set", json!(["ACME", 9.5]));
    let price = socket.message();
    assert_eq!(price["method"], "price_changed");
    assert_eq!(price["params"]["result"], json!({ "symbol": "ACME", "value": 9.5 }));
    socket.result("clock.tick", json!([3]));
    assert_eq!(socket.message()["method"], "clock.ticks");
}

#[test]
fn a_subscription_begins_with_its_first_items_and_has_those_that_pass_its_filter() {
    let running = start();
    let mut socket = running.connect();
    running.publish(1..3);
    let after = socket.subscribe("numbers_after", json!([[100, 200]]));
    let multiples = socket.subscribe("multiples", json!({ "of": 3 }));
    let labels = socket.subscribe("labels", json!([]));
    running.publish(3..7);
    let first = [100, 200, 3, 4, 5, 6].map(|item| json!(item));
    assert_eq!([(); 6].map(|()| socket.item_of(&after)), first);
    assert_eq!([(); 2].map(|()| socket.item_of(&multiples)), [3, 6]);
    assert_eq!([(); 4].map(|()| socket.item_of(&labels)), ["n3", "n4", "n5", "n6"]);
}

#[test]
fn a_first_item_of_another_filter_is_left_out() {
    let running = start();
    let mut socket = running.connect();
    socket.result("set", json!(["ACME", 1.0]));
    let acme = socket.subscribe("prices", json!(["ACME"]));
    let other = socket.subscribe("prices", json!(["OTHER"]));
    assert_eq!(socket.item_of(&acme)["value"], 1.0);
    socket.result("set", json!(["OTHER", 2.0]));
    assert_eq!(socket.item_of(&other)["value"], 2.0);
}

#[test]
fn no_item_comes_before_the_reply_with_the_id() {
    let running = start();
    let mut socket = running.connect();
    for round in 0..200 {
        // The items are there when the method returns, and more come meanwhile.
        socket.notify("publish", json!([round, round + 1]));
        let id = socket.start("numbers_after", json!([[round]]));
        socket.notify("publish", json!([round, round + 1]));
        let reply = socket.reply();
        assert_eq!(reply["id"], id);
        let subscription = reply["result"].as_str().expect("an id").to_owned();
        let early = socket.take_notices();
        assert!(early.iter().all(|notice| notice["params"]["subscription"] != *subscription), "{early:?}");
        assert_eq!(socket.item_of(&subscription), round);
        socket.result("rpc.unsubscribe", json!([subscription]));
    }
}

#[test]
fn unsubscribing_ends_a_subscription_of_this_connection_alone() {
    let running = start();
    let (mut one, mut other) = (running.connect(), running.connect());
    let mine = one.subscribe("numbers", json!([]));
    let theirs = other.subscribe("numbers", json!([]));
    assert_eq!(mine, theirs, "ids are those of a connection, so the other one has the same");
    assert_eq!(one.result("rpc.unsubscribe", json!([mine])), true);
    running.publish(0..1);
    assert_eq!(other.item_of(&theirs), 0);
    assert_eq!(one.messages_for(QUIET), [] as [Value; 0]);
    assert_eq!(running.subscriptions(), 1);
}

#[test]
fn unsubscribing_takes_an_id_by_name_or_position_and_says_whether_there_was_one() {
    let running = start();
    let mut socket = running.connect();
    type Params = fn(&str) -> Value;
    let known: [(&str, Params); 4] = [
        ("rpc.unsubscribe", |id| json!({ "subscription": id })),
        ("rpc.unsubscribe", |id| json!([id])),
        ("rpc.unsubscribe", |id| json!({ "subscription": id, "_meta": { "trace": 1 } })),
        ("unsubscribe_prices", |id| json!([id])),
    ];
    for (method, params) in known {
        let id = socket.subscribe("numbers", json!([]));
        assert_eq!(socket.result(method, params(&id)), true, "{method}");
        assert_eq!(socket.result(method, params(&id)), false, "{method} a second time");
    }
    let id = socket.subscribe("numbers", json!([]));
    let others = [format!("0{id}"), format!("+{id}"), format!(" {id}"), "0".into(), "x".into(), String::new()];
    for other in others.iter().map(String::as_str).chain(["18446744073709551616", "-1", "1e1"]) {
        assert_eq!(socket.result("rpc.unsubscribe", json!([other])), false, "{other:?}");
    }
    for broken in [json!([]), json!({}), json!([id, id]), json!([5]), json!({ "id": id }), json!([null])] {
        assert_eq!(socket.error_code("rpc.unsubscribe", broken.clone()), -32602, "{broken}");
    }
    assert_eq!(running.subscriptions(), 1, "that one is still there");
}

#[test]
fn no_item_comes_after_the_reply_to_unsubscribe() {
    let running = start();
    let mut socket = running.connect();
    for _ in 0..50 {
        let id = socket.subscribe("numbers", json!([]));
        // Published on other threads, while the connection unsubscribes.
        std::thread::scope(|scope| {
            scope.spawn(|| running.publish(0..KEPT));
            assert_eq!(socket.result("rpc.unsubscribe", json!([id])), true);
        });
        socket.take_notices();
        let late = flush(&running, &mut socket);
        assert!(late.iter().all(|notice| notice["subscription"] != *id), "{late:?}");
    }
}

#[test]
fn unsubscribing_as_a_notification_works_and_is_not_answered() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!([]));
    socket.notify("rpc.unsubscribe", json!([id]));
    assert_eq!(socket.result("ping", json!([])), "pong");
    assert_eq!(running.subscriptions(), 0);
}

#[test]
fn a_subscription_that_is_sent_as_a_notification_is_not_started() {
    let running = start();
    let mut socket = running.connect();
    socket.notify("endless", json!([]));
    socket.notify("silence", json!([]));
    assert_eq!(socket.result("ping", json!([])), "pong");
    assert_eq!(running.subscriptions(), 0);
    assert_eq!(socket.messages_for(QUIET), [] as [Value; 0]);
    let refused = ["endless", "silence", "numbers"].map(|method| running.stats(method).refused_for.params);
    assert_eq!(refused, [1, 1, 0]);
}

#[test]
fn a_subscription_that_does_not_start_is_answered_with_its_error() {
    let running = start();
    let mut socket = running.connect();
    for (method, params, code) in [
        ("refused", json!([]), 7),
        ("crashing", json!([]), -32603),
        ("secrets", json!([]), -32001),
        ("audit", json!([]), -32001),
        ("multiples", json!([]), -32602),
        ("multiples", json!(["x"]), -32602),
        ("nothing", json!([]), -32601),
    ] {
        assert_eq!(socket.error_code(method, params), code, "{method}");
    }
    assert_eq!(running.connect_as("ann").error_code("audit", json!([])), -32001);
    running.connect_as("ann").subscribe("secrets", json!([]));
    running.connect_as("root").subscribe("audit", json!([]));
    running.until_nothing_is_left();
}

#[test]
fn over_plain_http_a_subscription_is_refused_with_the_reason() {
    let running = start();
    let numbers = json!({ "jsonrpc": "2.0", "method": "numbers", "id": 1 });
    let answer = running.server.rpc(&numbers);
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    assert!(answer["error"]["data"]["reason"].is_string(), "{answer}");
    let answer = running.server.rpc(&json!([numbers, { "jsonrpc": "2.0", "method": "ping", "id": 2 }]));
    assert_eq!(answer[0]["error"]["code"], -32600, "{answer}");
    assert_eq!(answer[1]["result"], "pong", "{answer}");
    let unsubscribe = json!({ "jsonrpc": "2.0", "method": "rpc.unsubscribe", "params": ["1"], "id": 1 });
    assert_eq!(running.server.rpc(&unsubscribe)["error"]["code"], -32601);
    assert_eq!(running.subscriptions(), 0);
}

#[test]
fn a_subscription_whose_method_waits_starts_when_that_returns() {
    let running = start();
    for method in ["count_later", "count_alone"] {
        let mut socket = running.connect();
        let start = socket.start(method, json!([2]));
        running.until_inside(1);
        assert_eq!(socket.messages_for(QUIET), [] as [Value; 0], "{method}");
        running.probe.gate.add_permits(1);
        let reply = socket.reply();
        assert_eq!(reply["id"], start, "{method}: {reply}");
        let id = reply["result"].as_str().expect("an id").to_owned();
        assert_eq!([(); 2].map(|()| socket.item_of(&id)), [1, 2], "{method}");
        assert_eq!(socket.notice_of(&id)["done"], true, "{method}");
    }
    let mut socket = running.connect();
    running.probe.gate.add_permits(1);
    assert_eq!(socket.error_code("count_later", json!([0])), 7);
}

#[test]
fn replies_come_when_they_are_ready_and_not_in_the_order_of_the_calls() {
    let running = start();
    let mut socket = running.connect();
    let first = socket.start("wait", json!([]));
    let second = socket.start("ping", json!([]));
    assert_eq!(socket.message()["id"], second);
    running.probe.gate.add_permits(1);
    assert_eq!(socket.message()["id"], first);
}
