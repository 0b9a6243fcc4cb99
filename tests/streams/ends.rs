//! How subscriptions end: with their stream, with an error, or with their client.

use std::time::Duration;

use callbox_test_support::wait::until;
use serde_json::{Value, json};

use crate::running::start;

#[test]
fn a_stream_that_ends_is_done_after_its_last_item() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("count", json!([3]));
    assert_eq!([(); 3].map(|()| socket.item_of(&id)), [1, 2, 3]);
    assert_eq!(socket.notice_of(&id), json!({ "subscription": id, "done": true }));
    assert_eq!(socket.result("rpc.unsubscribe", json!([id])), false, "it has ended");
    let empty = socket.subscribe("count", json!([0]));
    assert_eq!(socket.notice_of(&empty), json!({ "subscription": empty, "done": true }));
    running.until_nothing_is_left();
}

#[test]
fn a_topic_that_is_closed_is_done_after_what_was_published() {
    let running = start();
    let mut socket = running.connect();
    let ids = ["numbers", "multiples", "labels"].map(|method| {
        let params = if method == "multiples" { json!([2]) } else { json!([]) };
        socket.subscribe(method, params)
    });
    socket.result("publish", json!([0, 2]));
    socket.result("close_numbers", json!([]));
    socket.result("publish", json!([2, 4]));
    for (id, items) in ids.iter().zip([vec![json!(0), json!(1)], vec![json!(0)], vec![json!("n0"), json!("n1")]]) {
        let sent: Vec<_> = items.iter().map(|_| socket.item_of(id)).collect();
        assert_eq!(sent, items);
        assert_eq!(socket.notice_of(id)["done"], true);
    }
    let late = socket.subscribe("numbers", json!([]));
    assert_eq!(socket.notice_of(&late)["done"], true, "it begins after the end");
    running.until_nothing_is_left();
}

#[test]
fn a_panic_in_a_stream_ends_that_subscription_alone_and_says_nothing_of_the_cause() {
    let running = start();
    let mut socket = running.connect();
    let other = socket.subscribe("numbers", json!([]));
    let picky = socket.subscribe("picky", json!([]));
    let failing = socket.subscribe("failing", json!([2]));
    let unwritable = socket.subscribe("unwritable", json!([]));
    running.publish(6..9);
    assert_eq!(socket.item_of(&picky), 6);
    assert_eq!([(); 2].map(|()| socket.item_of(&failing)), [0, 1]);
    for id in [&picky, &failing, &unwritable] {
        let end = socket.notice_of(id);
        assert_eq!(end["error"]["code"], -32603, "{end}");
        assert!(end["error"]["data"]["correlation_id"].is_string(), "{end}");
        let text = end.to_string();
        assert!(!text.contains("purpose") && !text.contains("inner") && !text.contains("Unwritable"), "{end}");
        assert!(end.get("result").is_none() && end.get("done").is_none(), "{end}");
    }
    assert_eq!([(); 3].map(|()| socket.item_of(&other)), [6, 7, 8]);
    assert_eq!(running.subscriptions(), 1);
    assert_eq!(socket.result("ping", json!([])), "pong");
}

#[test]
fn streams_are_dropped_when_they_end_when_they_are_unsubscribed_and_when_the_client_leaves() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("silence", json!([]));
    until("it exists", || running.subscriptions() == 1);
    socket.result("rpc.unsubscribe", json!([id]));
    running.until_nothing_is_left();
    for leave in [|socket: callbox_test_support::websocket::WebSocket| _ = socket.close(), |socket| drop(socket)] {
        let mut socket = running.connect();
        socket.start("count_later", json!([1]));
        socket.start("wait", json!([]));
        running.until_inside(2);
        // The last one fills the socket, which nobody reads.
        for method in ["silence", "numbers", "endless"] {
            socket.subscribe(method, json!([]));
        }
        leave(socket);
        running.until_nothing_is_left();
        running.until_inside(0);
    }
}

#[test]
fn streams_that_panic_when_they_are_dropped_keep_nothing_else_alive() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("explosive", json!([]));
    assert_eq!(socket.result("rpc.unsubscribe", json!([id])), true);
    running.until_nothing_is_left();
    // A connection that ends with many of them.
    for _ in 0..10 {
        socket.subscribe("explosive", json!([]));
        socket.subscribe("silence", json!([]));
    }
    drop(socket);
    running.until_nothing_is_left();
    assert_eq!(running.connect().result("ping", json!([])), "pong");
}

#[test]
fn a_client_that_falls_behind_misses_items_and_is_told_how_many_exactly() {
    let running = start();
    let mut socket = running.connect();
    let all = socket.subscribe("late_multiples", json!([1, 0, 100]));
    let first = socket.notice_of(&all);
    assert_eq!((&first["result"], &first["lagged"]), (&json!(84), &json!(84)), "{first}");
    let second = socket.notice_of(&all);
    assert_eq!((&second["result"], second.get("lagged")), (&json!(85), None), "{second}");
    assert_eq!(running.stats("late_multiples").missed_items, 84);
}

#[test]
fn a_gap_before_items_that_do_not_pass_is_told_with_the_next_one_that_does() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("late_multiples", json!([1000, 1, 51]));
    assert_eq!(socket.messages_for(Duration::from_millis(20)), [] as [Value; 0]);
    running.publish(1000..1001);
    let item = socket.notice_of(&id);
    assert_eq!((&item["result"], &item["lagged"]), (&json!(1000), &json!(34)), "items of the topic: {item}");
    running.publish(2000..2001);
    let item = socket.notice_of(&id);
    assert_eq!((&item["result"], item.get("lagged")), (&json!(2000), None), "{item}");
}
