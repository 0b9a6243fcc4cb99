//! Subscriptions that ask for fewer items, and those that have none for long.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::start;

#[test]
fn with_an_interval_the_newest_item_of_each_is_sent() {
    let running = start();
    let mut socket = running.connect();
    let params = json!({ "_meta": { "minIntervalMs": 100 } });
    let id = socket.subscribe("numbers", params);
    let began = Instant::now();
    for number in 0..60 {
        running.publish(number..number + 1);
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut items = Vec::new();
    while items.last() != Some(&59) {
        items.push(socket.item_of(&id).as_u64().expect("a number"));
    }
    let intervals = began.elapsed().as_millis() / 100 + 2;
    assert!(items.len() as u128 <= intervals, "{items:?} in {:?}", began.elapsed());
    assert!(items.is_sorted() && items.len() >= 3, "{items:?}");
}

#[test]
fn the_first_item_waits_for_no_interval_and_the_last_one_comes_though_nothing_follows() {
    let running = start();
    let mut socket = running.connect();
    let slow = socket.subscribe("numbers", json!({ "_meta": { "minIntervalMs": 3_600_000 } }));
    let quick = socket.subscribe("numbers", json!({ "_meta": { "minIntervalMs": 50 } }));
    running.publish(1..2);
    assert_eq!(socket.item_of(&slow), 1);
    assert_eq!(socket.item_of(&quick), 1);
    running.publish(2..3);
    running.publish(3..4);
    while socket.item_of(&quick) != 3 {}
    let held = socket.messages_for(Duration::from_millis(50));
    assert!(held.iter().all(|notice| notice["params"]["subscription"] != *slow), "{held:?}");
}

#[test]
fn intervals_of_any_length_do_no_harm() {
    let running = start();
    let mut socket = running.connect();
    for ms in [0, 1, u64::MAX / 1000, u64::MAX] {
        let id = socket.subscribe("numbers", json!({ "_meta": { "minIntervalMs": ms } }));
        running.publish(1..2);
        assert_eq!(socket.item_of(&id), 1, "{ms}");
        running.publish(2..3);
        assert_eq!(socket.result("ping", json!([])), "pong", "{ms}");
        assert_eq!(socket.result("rpc.unsubscribe", json!([id])), true, "{ms}");
    }
    for wrong in [json!(-1), json!("1"), json!(1.5), json!([])] {
        let params = json!({ "_meta": { "minIntervalMs": wrong } });
        assert_eq!(socket.error_code("numbers", params), -32602, "{wrong}");
    }
}

#[test]
fn an_end_comes_after_the_item_that_waited_for_its_interval() {
    let running = start();
    let mut socket = running.connect();
    let meta = json!({ "minIntervalMs": 3_600_000 });
    let done = socket.subscribe("count", json!({ "to": 5, "_meta": meta }));
    let failed = socket.subscribe("failing", json!({ "after": 5, "_meta": meta }));
    let items = |id: &str, socket: &mut callbox_test_support::websocket::WebSocket| {
        let mut items = Vec::new();
        loop {
            let notice = socket.notice_of(id);
            match notice.get("result") {
                Some(item) => items.push(item.clone()),
                None => return (items, notice),
            }
        }
    };
    let (sent, end) = items(&done, &mut socket);
    assert_eq!((sent.last(), &end["done"]), (Some(&json!(5)), &json!(true)), "{sent:?} {end}");
    let (sent, end) = items(&failed, &mut socket);
    assert_eq!((sent.last(), &end["error"]["code"]), (Some(&json!(4)), &json!(-32603)), "{sent:?} {end}");
    running.until_nothing_is_left();
}

#[test]
fn gaps_are_told_with_the_item_that_replaces_others() {
    let running = start();
    let mut socket = running.connect();
    let params = json!({ "of": 1, "from": 0, "to": 100, "_meta": { "minIntervalMs": 50 } });
    let id = socket.subscribe("late_multiples", params);
    let notice = socket.notice_of(&id);
    assert_eq!((&notice["result"], &notice["lagged"]), (&json!(99), &json!(84)), "{notice}");
}

#[test]
fn a_subscription_that_passes_nothing_for_10_s_sends_its_position_once() {
    let running = start();
    let mut socket = running.connect();
    let quiet = socket.subscribe("multiples", json!([1000]));
    let idle = socket.subscribe("clock.ticks", json!([]));
    let began = Instant::now();
    running.publish(1..4);
    let position = socket.notice();
    assert!(began.elapsed() >= Duration::from_millis(9_900), "{:?}", began.elapsed());
    let cursor = position["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(position, json!({ "subscription": quiet, "cursor": cursor }), "and not {idle}, which has not moved");
    running.publish(4..6);
    assert_eq!(socket.messages_for(Duration::from_millis(50)), [] as [Value; 0]);
    drop(socket);
    let mut socket = running.connect();
    let resumed = socket.subscribe("numbers", json!({ "_meta": { "after": cursor } }));
    assert_eq!([(); 2].map(|()| socket.item_of(&resumed)), [4, 5]);
}
