//! Subscriptions that continue where they were cut off.

use std::time::Duration;

use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::running::{Running, start};

/// Returns the cursor of the last of these numbers, after a subscriber has got them.
fn cursor_after(running: &Running, numbers: std::ops::Range<u64>) -> String {
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!([]));
    running.publish(numbers.clone());
    let notices: Vec<_> = numbers.map(|_| socket.notice_of(&id)).collect();
    notices.last().and_then(|notice| notice["cursor"].as_str()).expect("a cursor").to_owned()
}

/// Returns the items and gaps of the next notifications.
fn items(socket: &mut WebSocket, id: &str, count: usize) -> Vec<(Value, Option<Value>)> {
    let notices = (0..count).map(|_| socket.notice_of(id));
    notices.map(|notice| (notice["result"].clone(), notice.get("lagged").cloned())).collect()
}

fn plain(numbers: std::ops::Range<u64>) -> Vec<(Value, Option<Value>)> {
    numbers.map(|number| (json!(number), None)).collect()
}

#[test]
fn a_subscription_resumes_with_the_items_after_its_cursor_and_goes_on_live() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    running.publish(4..8);
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!({ "_meta": { "after": cursor } }));
    assert_eq!(items(&mut socket, &id, 4), plain(4..8));
    running.publish(8..10);
    assert_eq!(items(&mut socket, &id, 2), plain(8..10));
}

#[test]
fn a_resumed_subscription_passes_its_filter_and_does_not_begin_again_with_its_first_items() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    running.publish(4..8);
    let mut socket = running.connect();
    let even = socket.subscribe("multiples", json!({ "of": 2, "_meta": { "after": cursor } }));
    let after = socket.subscribe("numbers_after", json!({ "first": [100], "_meta": { "after": cursor } }));
    assert_eq!(items(&mut socket, &even, 2), [(json!(4), None), (json!(6), None)]);
    assert_eq!(items(&mut socket, &after, 4), plain(4..8));
}

#[test]
fn a_first_item_has_the_cursor_of_the_position_that_it_stands_for() {
    let running = start();
    running.publish(1..4);
    let mut socket = running.connect();
    let id = socket.subscribe("numbers_after", json!([[100]]));
    let first = socket.notice_of(&id);
    running.publish(4..6);
    drop(socket);
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!({ "_meta": { "after": first["cursor"] } }));
    assert_eq!(items(&mut socket, &id, 2), plain(4..6));
}

#[test]
fn a_cursor_whose_items_are_gone_continues_at_the_oldest_item_and_tells_the_gap() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    running.publish(4..104);
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!({ "_meta": { "after": cursor } }));
    assert_eq!(items(&mut socket, &id, 2), [(json!(88), Some(json!(84))), (json!(89), None)]);
}

#[test]
fn a_cursor_that_is_not_of_this_topic_starts_live_with_an_unknown_gap() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    let (epoch, _) = cursor.split_once('-').expect("an epoch");
    let other = cursor_after(&start(), 1..4);
    let future = [format!("{epoch}-1000"), format!("{epoch}-18446744073709551615")];
    let garbage = ["", "-", "x", "1-", "-1", "1-1-1", "ü", "0x1-1"].map(str::to_owned);
    for wrong in [vec![other], future.to_vec(), garbage.to_vec()].concat() {
        let mut socket = running.connect();
        let id = socket.subscribe("numbers", json!({ "_meta": { "after": wrong } }));
        running.publish(9..11);
        assert_eq!(items(&mut socket, &id, 2), [(json!(9), Some(Value::Null)), (json!(10), None)], "{wrong:?}");
    }
}

#[test]
fn a_subscription_that_cannot_continue_begins_anew_with_its_first_items() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    let other = cursor_after(&start(), 1..4);
    let mut socket = running.connect();
    let params = |after: &str| json!({ "first": [100, 101], "_meta": { "after": after } });
    let anew = socket.subscribe("numbers_after", params(&other));
    let goes_on = socket.subscribe("numbers_after", params(&cursor));
    running.publish(4..5);
    let expected = [(json!(100), Some(Value::Null)), (json!(101), None), (json!(4), None)];
    assert_eq!(items(&mut socket, &anew, 3), expected);
    assert_eq!(items(&mut socket, &goes_on, 1), plain(4..5));
}

#[test]
fn only_the_last_of_the_first_items_has_a_cursor_so_that_none_is_lost_in_between() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.subscribe("numbers_after", json!([[100, 101, 102]]));
    running.publish(1..2);
    let cursors = [(); 4].map(|()| socket.notice_of(&id).get("cursor").is_some());
    assert_eq!(cursors, [false, false, true, true]);
}

#[test]
fn a_cursor_of_a_state_that_was_lost_is_noticed() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    assert_eq!(running.connect().error_code("crash", json!([])), -32603);
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!({ "_meta": { "after": cursor } }));
    running.publish(9..10);
    assert_eq!(items(&mut socket, &id, 1), [(json!(9), Some(Value::Null))]);
}

#[test]
fn the_position_of_all_items_resumes_with_all_that_are_kept() {
    let running = start();
    let cursor = cursor_after(&running, 1..4);
    let (epoch, _) = cursor.split_once('-').expect("an epoch");
    let mut socket = running.connect();
    let id = socket.subscribe("numbers", json!({ "_meta": { "after": format!("{epoch}-0") } }));
    assert_eq!(items(&mut socket, &id, 3), plain(1..4));
}

#[test]
fn a_stream_that_is_no_topic_cannot_be_resumed() {
    let running = start();
    let cursor = cursor_after(&running, 1..2);
    let mut socket = running.connect();
    for method in ["count", "silence", "described"] {
        let mut params = json!({ "_meta": { "after": cursor } });
        if method == "count" {
            params["to"] = json!(1);
        }
        let reply = socket.call(method, params);
        assert_eq!(reply["error"]["code"], -32602, "{reply}");
        assert_eq!(reply["error"]["data"]["param"], "_meta.after", "{reply}");
    }
    running.until_nothing_is_left();
}

#[test]
fn cut_again_and_again_a_subscription_loses_and_doubles_nothing() {
    let running = start();
    let (mut after, mut got) = (cursor_after(&running, 0..1), vec![0]);
    for round in 0..100_u64 {
        let mut socket = running.connect();
        let id = socket.subscribe("numbers", json!({ "_meta": { "after": after } }));
        running.publish(3 * round + 1..3 * round + 4);
        // Cut off after one, two or all of them, which the next one has to make up for.
        for _ in 0..=round % 5 {
            if got.last() == Some(&(3 * round + 3)) {
                break;
            }
            let notice = socket.notice_of(&id);
            assert!(notice.get("lagged").is_none(), "{notice}");
            got.push(notice["result"].as_u64().expect("a number"));
            after = notice["cursor"].as_str().expect("a cursor").to_owned();
        }
    }
    assert!(got.iter().copied().eq(0..got.len() as u64), "{got:?}");
    assert!(got.len() > 280, "{}", got.len());
    running.until_nothing_is_left();
    assert!(running.connect().messages_for(Duration::ZERO).is_empty());
}
