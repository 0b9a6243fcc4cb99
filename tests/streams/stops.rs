//! A server that stops, and a service that is started again.

use std::time::{Duration, Instant};

use callbox_test_support::wait::until;
use callbox_test_support::websocket::{BINARY, CLOSE, End, TEXT};
use serde_json::{Value, json};

use crate::running::{Running, start, start_with};

#[test]
fn a_stop_answers_running_calls_ends_subscriptions_and_closes_with_1001() {
    let running = start_with(|server| server.shutdown_timeout(Duration::from_secs(20)));
    let mut busy = running.connect();
    let call = busy.start("wait", json!([]));
    running.until_inside(1);
    let subscription = busy.subscribe("numbers", json!([]));
    let mut idle = running.connect();
    let silent = idle.subscribe("silence", json!([]));
    let mut empty = running.connect();
    let Running { server, probe } = running;
    let stops = std::thread::spawn(move || drop(server));

    assert_eq!(empty.rest(), (vec![], End::Code(1001)));
    let (messages, end) = idle.rest();
    assert_eq!(end, End::Code(1001));
    let unavailable = json!({ "code": -32003, "message": "Service unavailable" });
    let params = json!({ "subscription": silent, "error": unavailable });
    assert_eq!(messages, [json!({ "jsonrpc": "2.0", "method": "silence", "params": params })]);

    assert_eq!(busy.notice_of(&subscription)["error"]["code"], -32003);
    assert_eq!(busy.error_code("ping", json!([])), -32003, "no call begins any more");
    assert_eq!(busy.error_code("numbers", json!([])), -32003);
    probe.gate.add_permits(1);
    let reply = busy.reply();
    assert_eq!((&reply["id"], &reply["result"]), (&json!(call), &json!("waited")));
    assert_eq!(busy.rest(), (vec![], End::Code(1001)));
    stops.join().expect("no panic");
}

#[test]
fn a_client_that_does_not_answer_the_close_frame_holds_up_the_stop_for_seconds_only() {
    let running = start();
    let mut socket = running.connect();
    let began = Instant::now();
    let stops = std::thread::spawn(move || drop(running));
    let frame = socket.frame().expect("a frame");
    assert_eq!((frame.first, &frame.payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
    assert_eq!(socket.frame(), None);
    stops.join().expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

#[test]
fn after_its_close_frame_the_server_sends_no_other_whatever_the_client_sends() {
    for (first, payload) in [(BINARY, &b"1"[..]), (TEXT, b"\xff"), (0xf1, b"")] {
        let running = start();
        let mut socket = running.connect();
        let stops = std::thread::spawn(move || drop(running));
        assert_eq!(socket.frame().expect("a frame").first, CLOSE);
        socket.send_frame(first, payload);
        assert_eq!(socket.frame(), None, "{first:#x}");
        stops.join().expect("no panic");
    }
}

#[test]
fn a_service_that_loses_its_state_ends_its_subscriptions_and_those_of_others_go_on() {
    let running = start();
    let mut socket = running.connect();
    let lost = ["numbers", "silence", "endless"].map(|method| socket.subscribe(method, json!([])));
    let paced = socket.subscribe("numbers", json!({ "_meta": { "minIntervalMs": 3_600_000 } }));
    let ticks = socket.subscribe("clock.ticks", json!([]));
    let mut other = running.connect();
    assert_eq!(other.error_code("crash", json!([])), -32603);
    for id in lost.iter().chain([&paced]) {
        let end = loop {
            let notice = socket.notice_of(id);
            if notice.get("result").is_none() {
                break notice;
            }
        };
        assert_eq!(end["error"]["code"], -32003, "{end}");
    }
    until("only one is left", || running.subscriptions() == 1);
    let tick = json!({ "jsonrpc": "2.0", "method": "clock.tick", "params": [7], "id": 1 });
    running.server.rpc(&tick);
    assert_eq!(socket.item_of(&ticks), 7);
    // The new state has a topic of its own.
    let again = socket.subscribe("numbers", json!([]));
    running.publish(1..2);
    assert_eq!(socket.item_of(&again), 1);
    assert_eq!(socket.result("rpc.unsubscribe", json!([lost[0]])), false);
}

#[test]
fn a_subscription_that_waits_while_the_state_is_lost_has_one_answer() {
    let running = start();
    let mut socket = running.connect();
    let hold = socket.start("hold", json!([]));
    running.until_inside(1);
    socket.start("crash", json!([]));
    let waiting = socket.start("numbers", json!([]));
    running.probe.gate.add_permits(1);
    let mut replies: Vec<_> = (0..3).map(|_| socket.reply()).collect();
    replies.sort_by_key(|reply| reply["id"].as_u64());
    assert_eq!(replies[0]["id"], hold);
    let last = &replies[2];
    assert_eq!(last["id"], waiting);
    // It began before the crash, or in the new state, or was not started at all.
    if let Some(id) = last["result"].as_str().map(str::to_owned) {
        running.publish(1..2);
        let notice = socket.notice_of(&id);
        assert!(notice["result"] == 1 || notice["error"]["code"] == -32003, "{notice}");
    }
    let rest = socket.messages_for(Duration::from_millis(30));
    assert!(rest.iter().all(|message| message.get("id").is_none()), "{rest:?}");
    let _: Vec<Value> = rest;
}
