//! Frames as bytes: fragments, control frames, mistakes, and the end.

use callbox_test_support::websocket::{BINARY, CLOSE, End, Frame, PING, PONG, TEXT, WebSocket, frame, frame_head};
use serde_json::{Value, json};

use crate::running::{start, start_with};

const CALL: &str = r#"{"jsonrpc":"2.0","method":"ping","id":1}"#;

/// The first byte of the first fragment of a text.
const FIRST: u8 = 0x01;
/// That of a fragment in its middle.
const NEXT: u8 = 0x00;
/// That of its last fragment.
const LAST: u8 = 0x80;

fn bytes_one_by_one(socket: &mut WebSocket, bytes: &[u8]) {
    bytes.iter().for_each(|byte| socket.connection.send([*byte]));
}

#[test]
fn fragments_are_one_message_and_control_frames_come_between_them() {
    let running = start();
    let mut socket = running.connect();
    let (one, rest) = CALL.split_at(7);
    let (two, three) = rest.split_at(11);
    socket.send_frame(FIRST, one);
    socket.send_frame(PING, "a ping");
    socket.send_frame(NEXT, two);
    socket.send_frame(NEXT, "");
    socket.send_frame(PONG, "nobody asked");
    socket.send_frame(PING, "");
    socket.send_frame(LAST, three);
    let pong = |payload: &str| Some(Frame { first: PONG, payload: payload.into() });
    assert_eq!([(); 2].map(|()| socket.frame()), [pong("a ping"), pong("")]);
    assert_eq!(socket.message()["result"], "pong");
}

#[test]
fn frames_may_come_in_any_pieces() {
    let running = start();
    let mut socket = running.connect();
    let bytes = [frame(FIRST, &CALL[..20]), frame(PING, "ü"), frame(LAST, &CALL[20..])].concat();
    bytes_one_by_one(&mut socket, &bytes);
    assert_eq!(socket.frame().map(|frame| frame.first), Some(PONG));
    assert_eq!(socket.message()["result"], "pong");
    // Many at once.
    socket.connection.send(frame(TEXT, CALL).repeat(500));
    for _ in 0..500 {
        assert_eq!(socket.message()["result"], "pong");
    }
}

#[test]
fn each_mistake_has_its_close_code() {
    let running = start_with(|server| server.body_limit(1000));
    let unmasked = [&[TEXT, 2][..], b"{}"].concat();
    let cases: &[(&str, Vec<u8>, u16)] = &[
        ("no mask", unmasked, 1002),
        ("a reserved bit", frame(TEXT | 0x40, CALL), 1002),
        ("another reserved bit", frame(TEXT | 0x10, CALL), 1002),
        ("an opcode that is not defined", frame(0x83, CALL), 1002),
        ("a control opcode that is not defined", frame(0x8b, ""), 1002),
        ("a continuation of nothing", frame(LAST, CALL), 1002),
        ("a text within a text", [frame(FIRST, "{"), frame(TEXT, CALL)].concat(), 1002),
        ("a ping in fragments", frame(PING & 0x7f, ""), 1002),
        ("a ping that is too long", frame(PING, [0; 126]), 1002),
        ("a length that could be shorter", [&[TEXT, 0xfe, 0, 2, 0, 0, 0, 0][..], b"{}"].concat(), 1002),
        ("a length with the highest bit", [&[TEXT, 0xff, 0x80][..], &[0; 7]].concat(), 1002),
        ("half a close code", frame(CLOSE, [3]), 1002),
        ("a close code that may not be sent", frame(CLOSE, 1005_u16.to_be_bytes()), 1002),
        ("a close code that is not defined", frame(CLOSE, 999_u16.to_be_bytes()), 1002),
        ("a binary message", frame(BINARY, CALL), 1003),
        ("a binary message in fragments", frame(BINARY & 0x7f, CALL), 1003),
        ("not UTF-8", frame(TEXT, b"{\xff}"), 1007),
        ("half a character at the end", frame(TEXT, b"\xc3"), 1007),
        ("a surrogate", frame(TEXT, b"\"\xed\xa0\x80\""), 1007),
        ("a reason that is not UTF-8", frame(CLOSE, b"\x03\xe8\xff"), 1007),
        ("not UTF-8 in a later fragment", [frame(FIRST, "\""), frame(LAST, b"\xff\"")].concat(), 1007),
        ("too large", frame(TEXT, [b' '; 1001]), 1009),
        ("too large, as announced", [&frame_head(TEXT, 1 << 40)[..], &[0; 4]].concat(), 1009),
        ("too large in fragments", [frame(FIRST, [b' '; 600]), frame(LAST, [b' '; 401])].concat(), 1009),
    ];
    for (name, bytes, code) in cases {
        let mut socket = running.connect();
        assert_eq!(socket.result("ping", json!([])), "pong", "{name}");
        // A call that follows the mistake is not read.
        socket.connection.send([bytes, &frame(TEXT, CALL)[..]].concat());
        assert_eq!(socket.close_code(), (vec![], End::Code(*code)), "{name}");
        let mut socket = running.connect();
        // It fails if the server has closed the connection before the last byte.
        let _ = std::io::Write::write_all(&mut socket.connection.0, &bytes[..bytes.len() / 2]);
        std::thread::sleep(std::time::Duration::from_millis(1));
        let _ = std::io::Write::write_all(&mut socket.connection.0, &bytes[bytes.len() / 2..]);
        assert_eq!(socket.close_code(), (vec![], End::Code(*code)), "{name} in two pieces");
    }
    assert_eq!(running.connect().result("ping", json!([])), "pong");
}

#[test]
fn a_client_that_goes_on_sending_learns_why_it_is_closed() {
    let running = start();
    let mut socket = running.connect();
    // More than the server and the system buffer.
    let size = 8 << 20;
    socket.connection.send(frame_head(TEXT, size));
    let mut writer = socket.connection.0.try_clone().expect("a socket");
    let sends = std::thread::spawn(move || {
        // Fails once the server has closed the connection.
        let _ = std::io::Write::write_all(&mut writer, &vec![b' '; size + 4]);
    });
    assert_eq!(socket.close_code(), (vec![], End::Code(1009)));
    drop(socket);
    sends.join().expect("no panic");
}

#[test]
fn messages_up_to_the_limit_are_accepted() {
    let running = start_with(|server| server.body_limit(100_000));
    let mut socket = running.connect();
    for size in [125, 126, 127, 65_535, 65_536, 100_000] {
        let text = format!("{}{CALL}", " ".repeat(size - CALL.len()));
        socket.send(&text);
        assert_eq!(socket.message()["result"], "pong", "{size}");
        let (one, two) = text.split_at(size / 2);
        socket.send_frame(FIRST, one);
        socket.send_frame(LAST, two);
        assert_eq!(socket.message()["result"], "pong", "{size} in fragments");
    }
    assert_eq!(socket.result("text", json!([200_000])).as_str().map(str::len), Some(200_000));
}

#[test]
fn a_close_frame_is_answered_with_its_code_and_ends_the_connection() {
    let running = start();
    for code in [1000_u16, 1001, 1008, 1011, 3000, 4999] {
        let mut socket = running.connect();
        socket.send_frame(CLOSE, [&code.to_be_bytes()[..], b"bye"].concat());
        assert_eq!(socket.rest(), (vec![], End::Code(code)));
    }
    let mut socket = running.connect();
    socket.send_frame(CLOSE, "");
    assert_eq!(socket.frame(), Some(Frame { first: CLOSE, payload: vec![] }));
    assert_eq!(socket.frame(), None);
}

#[test]
fn calls_that_run_are_given_up_with_the_close_frame() {
    let running = start();
    let mut socket = running.connect();
    socket.start("wait", json!([]));
    running.until_inside(1);
    assert_eq!(socket.close(), [] as [Value; 0]);
    running.until_inside(0);
}

#[test]
fn a_flood_of_pings_is_answered_and_delays_no_other_client() {
    let running = start();
    let mut flooding = running.connect();
    let pings = frame(PING, [b'x'; 100]).repeat(10_000);
    let mut writer = flooding.connection.0.try_clone().expect("a socket");
    let sends = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &pings));
    for _ in 0..50 {
        assert_eq!(running.connect().result("ping", json!([])), "pong");
    }
    for _ in 0..10_000 {
        assert_eq!(flooding.frame(), Some(Frame { first: PONG, payload: vec![b'x'; 100] }));
    }
    sends.join().expect("no panic").expect("the server reads");
}
