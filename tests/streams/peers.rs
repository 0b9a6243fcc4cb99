//! Clients that leave without a word, leave half-way, or do not read.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use callbox::Server;
use callbox_test_support::http::Connection;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{End, PING, PONG, TEXT, WebSocket, frame, handshake};
use serde_json::{Value, json};
use socket2::SockRef;

use crate::running::{Running, start, start_with};

/// Has a call and two subscriptions, and then leaves.
fn busy(running: &Running) -> WebSocket {
    let mut socket = running.connect();
    socket.start("wait", json!([]));
    running.until_inside(1);
    socket.subscribe("silence", json!([]));
    socket.subscribe("numbers", json!([]));
    socket
}

#[track_caller]
fn assert_gone(running: &Running) {
    running.until_inside(0);
    running.until_nothing_is_left();
    assert_eq!(running.connect().result("ping", json!([])), "pong");
}

#[test]
fn a_client_that_resets_its_connection_is_gone_at_once() {
    let running = start();
    let socket = busy(&running);
    SockRef::from(&socket.connection.0).set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(socket);
    assert_gone(&running);
}

#[test]
fn a_client_that_closes_its_half_is_gone_as_over_http() {
    let running = start();
    let socket = busy(&running);
    socket.connection.0.shutdown(Shutdown::Write).expect("a socket");
    assert_gone(&running);
}

#[test]
fn a_client_that_leaves_within_a_frame_is_gone() {
    let running = start();
    let bytes = frame(TEXT, r#"{"jsonrpc":"2.0","method":"ping","id":1}"#);
    for cut in [1, 3, 6, 20] {
        let mut socket = busy(&running);
        socket.connection.send(&bytes[..cut]);
        drop(socket);
        assert_gone(&running);
    }
    // Within the handshake, and right behind it.
    let request = handshake(&[]);
    for cut in [1, request.len() / 2, request.len()] {
        let mut connection = Connection::open(running.server.address());
        connection.send(&request[..cut]);
        drop(connection);
    }
    assert_gone(&running);
}

#[test]
fn a_client_that_never_reads_delays_nobody_and_holds_nothing_but_its_position() {
    let running = start();
    let mut blocked = running.connect();
    let id = blocked.subscribe("endless", json!([]));
    let numbers = blocked.subscribe("numbers", json!([]));
    let items = || running.stats("endless").items;
    // Once its socket is full, no more items are taken. The system may pause on the way there.
    let (mut before, mut same) = (0, 0);
    while same < 10 {
        std::thread::sleep(Duration::from_millis(100));
        same = if before == items() { same + 1 } else { 0 };
        before = items();
    }
    let mut honest = running.connect();
    let other = honest.subscribe("numbers", json!([]));
    for number in 0..200 {
        running.publish(number..number + 1);
        assert_eq!(honest.item_of(&other), number);
        assert_eq!(honest.result("ping", json!([])), "pong");
    }
    // The numbers woke its connection, whose buffer may have had room for more chunks, of some 400
    // items each.
    let more = items() - before;
    assert!(more < 2_000, "{more}");
    // It goes on where it was, and learns what it has missed.
    let mut early = 0;
    let gap = loop {
        let notice = blocked.notice();
        if notice["subscription"] != *numbers {
            assert_eq!(notice["subscription"], *id);
        } else if notice.get("lagged").is_some() {
            break notice;
        } else {
            assert_eq!(notice["result"], early);
            early += 1;
        }
    };
    assert!(early < 10, "{early}: a full buffer takes no numbers");
    assert_eq!((&gap["result"], &gap["lagged"]), (&json!(184), &json!(184 - early)), "{gap}");
}

#[test]
fn a_client_that_reads_nothing_and_leaves_is_forgotten() {
    let running = start();
    for _ in 0..20 {
        let mut socket = running.connect();
        socket.subscribe("endless", json!([]));
        socket.start("wait", json!([]));
    }
    assert_gone(&running);
}

#[test]
fn a_client_that_sends_without_reading_is_stopped_by_its_own_replies() {
    let running = start_with(|server| server.body_limit(100_000));
    let mut socket = running.connect();
    let call = json!({ "jsonrpc": "2.0", "method": "text", "params": [50_000], "id": 1 }).to_string();
    let mut writer = socket.connection.0.try_clone().expect("a socket");
    writer.set_nonblocking(false).expect("a socket");
    writer.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let bytes = frame(TEXT, &call).repeat(1000);
    let (mut sent, began) = (0, Instant::now());
    while began.elapsed() < Duration::from_secs(5) {
        match writer.write(&bytes) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    assert!(began.elapsed() < Duration::from_secs(5), "it goes on after {sent} bytes");
    let answered = running.stats("text").answered;
    // The system buffers some megabytes of the replies.
    assert!(answered < 1000, "{answered} replies of 50,000 bytes for a client that reads none");
    assert_eq!(running.connect().result("ping", json!([])), "pong");
    for _ in 0..answered {
        assert_eq!(socket.reply()["result"].as_str().map(str::len), Some(50_000));
    }
}

#[test]
fn a_client_that_reads_nothing_for_too_long_is_closed_and_counted_as_slow() {
    let running = start_with(|server| server.websocket_stall(Duration::from_millis(300)));
    let mut slow = running.connect();
    slow.subscribe("endless", json!([]));
    let mut events = Connection::open(running.server.address());
    let body = json!({ "jsonrpc": "2.0", "method": "endless", "id": 1 }).to_string();
    events.send_request("POST", "/api", &[("Accept", "text/event-stream")], body);
    until("both are closed", || running.server.connections().slow == 2);
    running.until_nothing_is_left();
    until("both are gone", || {
        let connections = running.server.connections();
        (connections.websockets, connections.event_streams, connections.silent) == (0, 0, 0)
    });
}

#[test]
fn a_client_that_answers_no_ping_is_closed_and_counted_as_silent() {
    let times = |server: Server| {
        server.websocket_ping(Duration::from_millis(100)).websocket_timeout(Duration::from_millis(200))
    };
    let running = start_with(times);
    let mut silent = running.connect();
    silent.subscribe("silence", json!([]));
    let mut honest = running.connect();
    for _ in 0..10 {
        let frame = honest.frame().expect("a ping");
        assert_eq!(frame.first, PING);
        honest.send_frame(PONG, frame.payload);
    }
    assert_eq!(silent.rest().1, End::Cut);
    let connections = running.server.connections();
    assert_eq!((connections.silent, connections.slow), (1, 0), "{connections:?}");
    running.until_nothing_is_left();
    assert_eq!(honest.result("ping", json!([])), "pong");
}

#[test]
fn a_client_that_sends_all_the_time_gets_pings_as_well() {
    let running = start_with(|server| server.websocket_ping(Duration::from_millis(100)));
    let mut busy = running.connect();
    let (began, mut pings, mut pongs) = (Instant::now(), 0, 0);
    while pings < 3 {
        assert!(began.elapsed() < Duration::from_secs(20), "{pings} pings beside {pongs} calls");
        busy.start("ping", json!([]));
        loop {
            match busy.frame().expect("it is open").first {
                PING => pings += 1,
                _ => break pongs += 1,
            }
        }
    }
    assert!(pongs > 3, "{pongs}");
}

#[test]
fn a_client_that_reads_many_replies_slowly_is_not_silent() {
    // So many that the server stops to read them, and with them the pongs.
    const CALLS: usize = 1500;
    let times =
        |server: Server| server.websocket_ping(Duration::from_millis(100)).websocket_timeout(Duration::from_secs(1));
    let running = start_with(times);
    let mut slow = running.connect_with_a_small_buffer();
    for _ in 0..CALLS {
        slow.start("text", json!([5_000]));
    }
    let (began, mut replies) = (Instant::now(), 0);
    while replies < CALLS {
        let frame = slow.frame();
        let frame = frame.unwrap_or_else(|| panic!("closed after {replies} replies and {:?}", began.elapsed()));
        if frame.first == PING {
            slow.send_frame(PONG, frame.payload);
        } else {
            replies += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert_eq!(running.server.connections().silent, 0);
}

#[test]
fn a_silent_connection_stays_open_beyond_the_times_of_http() {
    let running =
        start_with(|server| server.keep_alive(Duration::from_millis(300)).body_timeout(Duration::from_millis(300)));
    let mut idle = running.connect();
    let mut half = running.connect();
    let bytes = frame(TEXT, r#"{"jsonrpc":"2.0","method":"ping","id":1}"#);
    half.connection.send(&bytes[..5]);
    let id = idle.subscribe("numbers", json!([]));
    assert_eq!(idle.messages_for(Duration::from_millis(1500)), [] as [Value; 0]);
    running.publish(1..2);
    assert_eq!(idle.item_of(&id), 1);
    half.connection.send(&bytes[5..]);
    assert_eq!(half.message()["result"], "pong");
}

/// While its connection is full, it is not asked for more, and what wakes it is forgotten. No ping
/// wakes it later.
#[test]
fn items_that_come_while_a_client_does_not_read_reach_it_once_it_does() {
    let running = start_with(|server| server.websocket_ping(Duration::from_secs(3600)));
    let symbol = "s".repeat(12_000);
    let mut slow = running.connect_with_a_small_buffer();
    let id = slow.subscribe("prices", json!([symbol]));
    let sent = || running.stats("prices").items;
    let (mut last, mut unsent) = (0, 0);
    while unsent < 20 {
        let before = sent();
        last += 1;
        let set = json!({ "jsonrpc": "2.0", "method": "set", "params": [symbol, f64::from(last)], "id": 1 });
        assert_eq!(running.server.rpc(&set)["result"], Value::Null);
        let published = Instant::now();
        while sent() == before && published.elapsed() < Duration::from_millis(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        unsent = if sent() == before { unsent + 1 } else { 0 };
    }
    for value in 1..=last {
        assert_eq!(slow.item_of(&id)["value"], f64::from(value));
    }
}
