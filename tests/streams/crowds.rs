//! Many clients at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox_test_support::http::Connection;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{WebSocket, handshake};
use serde_json::json;

use crate::running::{Running, start, start_with};

/// Makes calls until the work is done, with a short pause after each, so that they do not take the
/// processor from the work. Returns the longest time that one took, and how many there were.
fn calls_beside(running: &Running, work: impl FnOnce()) -> (Duration, usize) {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let honest = scope.spawn(|| {
            let (mut socket, mut longest, mut calls) = (running.connect(), Duration::ZERO, 0);
            while !is_done.load(Ordering::SeqCst) {
                let sent = Instant::now();
                assert_eq!(socket.result("ping", json!([])), "pong");
                longest = longest.max(sent.elapsed());
                calls += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            (longest, calls)
        });
        work();
        is_done.store(true, Ordering::SeqCst);
        honest.join().expect("no panic")
    })
}

#[test]
fn five_hundred_clients_that_do_not_read_leave_room_for_honest_calls() {
    let running = start();
    let mut slow = Vec::new();
    let (longest, calls) = calls_beside(&running, || {
        for number in 0..500 {
            let mut socket = running.connect_with_a_small_buffer();
            socket.subscribe("numbers", json!([]));
            if number % 10 == 0 {
                socket.start("endless", json!([]));
            }
            slow.push(socket);
        }
        for number in 0..100 {
            running.publish(number..number + 1);
        }
    });
    assert!(longest < Duration::from_secs(3) && calls > 10, "{longest:?}, {calls}");
    until("all have begun", || running.subscriptions() == 550);
    drop(slow);
    running.until_nothing_is_left();
}

#[test]
fn five_thousand_clients_that_subscribe_and_leave_at_once_leave_nothing_behind() {
    let running = start();
    let leave = |from: usize| {
        for number in (from..5000).step_by(2) {
            let mut socket = running.connect();
            match number % 3 {
                // Before the reply, after it, and with a close frame.
                0 => _ = socket.start("silence", json!([])),
                1 => _ = socket.subscribe("numbers", json!([])),
                _ => {
                    socket.subscribe("silence", json!([]));
                    socket.close();
                }
            }
        }
    };
    let (longest, calls) = calls_beside(&running, || {
        std::thread::scope(|scope| (0..2).for_each(|from| _ = scope.spawn(move || leave(from))));
    });
    assert!(longest < Duration::from_secs(3) && calls > 10, "{longest:?}, {calls}");
    running.until_nothing_is_left();
}

#[test]
fn every_subscriber_of_a_topic_gets_every_item_in_its_order() {
    const CLIENTS: usize = 100;
    const ITEMS: u64 = 200;
    let running = start();
    let mut sockets: Vec<_> = (0..CLIENTS).map(|_| running.connect()).collect();
    let ids: Vec<_> = sockets.iter_mut().map(|socket| socket.subscribe("numbers", json!([]))).collect();
    let read = |(socket, id): (&mut WebSocket, &String)| {
        let mut next = 0;
        while next < ITEMS {
            let notice = socket.notice_of(id);
            next += notice.get("lagged").map_or(0, |lagged| lagged.as_u64().expect("a number"));
            assert_eq!(notice["result"], next, "{notice}");
            next += 1;
        }
    };
    std::thread::scope(|scope| {
        let (one, other) = sockets.split_at_mut(CLIENTS / 2);
        let (ids, other_ids) = ids.split_at(CLIENTS / 2);
        scope.spawn(move || one.iter_mut().zip(ids).for_each(read));
        scope.spawn(move || other.iter_mut().zip(other_ids).for_each(read));
        (0..ITEMS).for_each(|number| running.publish(number..number + 1));
    });
    running.publish(ITEMS..ITEMS + 1);
    for (socket, id) in sockets.iter_mut().zip(&ids) {
        assert_eq!(socket.item_of(id), ITEMS);
    }
}

#[test]
fn connections_count_to_the_limits_of_the_server() {
    let running = start_with(|server| server.max_connections(8));
    let sockets: Vec<_> = (0..8).map(|_| running.connect()).collect();
    let mut refused = Connection::open(running.server.address());
    refused.send(handshake(&[]));
    assert_eq!(refused.read_response().status, 503);
    let connections = running.server.connections();
    assert_eq!((connections.open, connections.websockets, connections.rejected), (8, 8, 1), "{connections:?}");
    drop(sockets);
    until("they are gone", || running.server.connections().websockets == 0);
    until("there is room again", || {
        let mut connection = Connection::open(running.server.address());
        connection.send(handshake(&[]));
        connection.read_response().status == 101
    });
}
