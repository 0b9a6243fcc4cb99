//! How much one connection may have: calls under way, and subscriptions.

use std::collections::BTreeSet;
use std::time::Duration;

use callbox_test_support::wait::until;
use callbox_test_support::websocket::{CLOSE, PING, PONG, TEXT, WebSocket, frame};
use serde_json::{Value, json};

use crate::running::start;

/// Default number of bodies of one connection whose calls have not ended.
const CALLS: usize = 64;

/// Default number of subscriptions of one connection.
const SUBSCRIPTIONS: usize = 1024;

#[test]
fn beyond_64_calls_under_way_further_ones_wait_until_one_ends() {
    let running = start();
    let mut socket = running.connect();
    for _ in 0..CALLS + 36 {
        socket.start("wait", json!([]));
    }
    running.until_inside(CALLS);
    assert_eq!(socket.messages_for(Duration::from_millis(50)), [] as [Value; 0]);
    assert_eq!(running.inside(), CALLS);
    assert_eq!(running.connect().result("ping", json!([])), "pong", "others have room");
    running.probe.gate.add_permits(10);
    for _ in 0..10 {
        assert_eq!(socket.reply()["result"], "waited");
    }
    running.until_inside(CALLS);
    running.probe.gate.add_permits(90);
    for _ in 0..90 {
        assert_eq!(socket.reply()["result"], "waited");
    }
    assert_eq!(socket.close(), [] as [Value; 0]);
}

#[test]
fn a_batch_takes_one_place_whatever_it_has() {
    let running = start();
    let mut socket = running.connect();
    let batch: Vec<_> = (0..100).map(|id| json!({ "jsonrpc": "2.0", "method": "wait", "id": id })).collect();
    socket.send(json!(batch).to_string());
    running.until_inside(100);
    for _ in 0..CALLS - 1 {
        socket.start("wait", json!([]));
    }
    running.until_inside(100 + CALLS - 1);
    running.probe.gate.add_permits(100 + CALLS);
    let replies: Vec<_> = (0..CALLS).map(|_| socket.reply()).collect();
    assert_eq!(replies.iter().filter(|reply| reply.as_array().is_some_and(|members| members.len() == 100)).count(), 1);
    assert_eq!(socket.result("wait", json!([])), "waited");
}

#[test]
fn messages_to_the_session_and_notifications_take_no_place() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("silence", json!([]));
    let calls: Vec<_> = (0..CALLS - 1).map(|_| socket.start("wait", json!([]))).collect();
    running.until_inside(calls.len());
    for _ in 0..300 {
        socket.notify("$/cancelRequest", json!({ "id": "nobody" }));
        socket.notify("ping", json!([]));
        socket.result("rpc.unsubscribe", json!(["0"]));
    }
    assert_eq!(socket.result("rpc.unsubscribe", json!([id])), true);
    calls.iter().for_each(|id| socket.notify("$/cancelRequest", json!({ "id": id })));
    for _ in &calls {
        assert_eq!(socket.reply()["error"]["code"], -32800);
    }
    running.until_inside(0);
}

#[test]
fn a_client_with_64_calls_under_way_can_end_any_of_them() {
    let running = start();
    let mut socket = running.connect();
    let subscription = socket.subscribe("silence", json!([]));
    let calls: Vec<_> = (0..CALLS).map(|_| socket.start("wait", json!([]))).collect();
    running.until_inside(CALLS);
    let [late, later] = [(); 2].map(|()| socket.start("wait", json!([])));
    let cancelled = |socket: &mut WebSocket, id: u64| {
        socket.notify("$/cancelRequest", json!({ "id": id }));
        let reply = socket.reply();
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&id.into(), &json!(-32800)), "{reply}");
    };
    cancelled(&mut socket, late);
    assert_eq!(socket.result("rpc.unsubscribe", json!([subscription])), true);
    socket.send_frame(PING, "x");
    assert_eq!(socket.frame().map(|frame| (frame.first, frame.payload)), Some((PONG, b"x".to_vec())));
    cancelled(&mut socket, calls[40]);
    // The place is free for the one that waits.
    running.until_inside(CALLS);
    running.probe.gate.add_permits(CALLS);
    let waited: BTreeSet<_> = (0..CALLS).map(|_| socket.reply()["id"].as_u64().expect("an id")).collect();
    let expected = calls.iter().copied().filter(|id| *id != calls[40]).chain([later]).collect();
    assert_eq!(waited, expected);
}

#[test]
fn a_call_can_be_cancelled_by_a_message_that_comes_with_it() {
    let running = start();
    let mut socket = running.connect();
    let message = |method: &str, params: Value, id: Option<u64>| {
        let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if let Some(id) = id {
            message["id"] = id.into();
        }
        frame(TEXT, message.to_string())
    };
    for method in ["wait", "hold", "sleep"] {
        let params = if method == "sleep" { json!([20_000]) } else { json!([]) };
        let both = [message(method, params, Some(7)), message("$/cancelRequest", json!({ "id": 7 }), None)].concat();
        socket.connection.send(both);
        let reply = socket.reply();
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(7), &json!(-32800)), "{method}: {reply}");
    }
}

#[test]
fn what_was_sent_before_a_close_is_done_although_it_had_to_wait() {
    let running = start();
    let (mut socket, mut other) = (running.connect(), running.connect());
    let numbers = other.subscribe("numbers", json!([]));
    for _ in 0..CALLS {
        socket.start("wait", json!([]));
    }
    running.until_inside(CALLS);
    socket.notify("publish", json!([5, 6]));
    socket.send_frame(CLOSE, 1000_u16.to_be_bytes());
    running.probe.gate.add_permits(1);
    assert_eq!(other.item_of(&numbers), 5);
    running.until_inside(0);
}

#[test]
fn a_connection_with_64_calls_ends_with_its_client() {
    let running = start();
    let mut socket = running.connect();
    socket.subscribe("silence", json!([]));
    for _ in 0..CALLS {
        socket.start("wait", json!([]));
    }
    running.until_inside(CALLS);
    drop(socket);
    running.until_inside(0);
    running.until_nothing_is_left();
}

#[test]
fn one_subscription_too_many_is_refused_until_another_one_ends() {
    let running = start();
    let mut socket = running.connect();
    let ids: Vec<_> = (0..SUBSCRIPTIONS).map(|_| socket.subscribe("numbers", json!([]))).collect();
    let reply = socket.call("numbers", json!([]));
    assert_eq!(reply["error"]["code"], -32000, "{reply}");
    assert_eq!(reply["error"]["data"]["reason"], "subscriptions", "{reply}");
    assert_eq!(running.subscriptions(), SUBSCRIPTIONS as u64);
    running.connect().subscribe("numbers", json!([]));
    assert_eq!(socket.result("rpc.unsubscribe", json!([ids[7]])), true);
    let new = socket.subscribe("numbers", json!([]));
    assert!(!ids.contains(&new), "an id is used once");
    assert_eq!(socket.error_code("silence", json!([])), -32000);
    until("its stream is dropped", || running.probe.streams.load(std::sync::atomic::Ordering::SeqCst) == 0);
    // All of them get all items, in their order.
    running.publish(0..3);
    let mut seen = std::collections::HashMap::<String, Vec<u64>>::new();
    for _ in 0..3 * SUBSCRIPTIONS {
        let notice = socket.notice();
        let id = notice["subscription"].as_str().expect("an id").to_owned();
        seen.entry(id).or_default().push(notice["result"].as_u64().expect("a number"));
    }
    assert!(seen.len() == SUBSCRIPTIONS && seen.values().all(|items| items == &[0, 1, 2]));
    drop(socket);
    running.until_nothing_is_left();
}

#[test]
fn a_cancellation_that_has_an_id_is_a_call_of_no_method_though_there_is_no_room() {
    const CALLS: usize = 64;
    let running = start();
    let mut socket = running.connect();
    for _ in 0..CALLS {
        socket.start("wait", json!([]));
    }
    let waits = socket.start("wait", json!([]));
    let cancel = socket.start("$/cancelRequest", json!({ "id": waits }));
    running.until_inside(CALLS);
    running.probe.gate.add_permits(CALLS + 1);
    let replies: Vec<_> = (0..CALLS + 2).map(|_| socket.message()).collect();
    let reply = |id: u64| replies.iter().find(|reply| reply["id"] == id).expect("an answer");
    assert_eq!(reply(waits)["result"], "waited");
    assert_eq!(reply(cancel)["error"]["code"], -32601);
}
