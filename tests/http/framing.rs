//! Requests that ask for another protocol, arrive in pieces, never end, or are sent ahead.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use callbox_test_support::http::{Connection, head};

use crate::service::{Running, call, result, start, start_with};

/// The longest that anything here may take: less than the 10 s in which a body times out.
const SOON: Duration = Duration::from_secs(8);

fn length(body: &str) -> (&'static str, String) {
    ("Content-Length", body.len().to_string())
}

#[test]
fn a_call_that_offers_another_protocol_is_answered_and_its_connection_kept() {
    let running = start();
    let body = call("written", "[]");
    let offers: &[&[(&str, &str)]] = &[
        &[("Connection", "upgrade")],
        &[("Connection", "Upgrade"), ("Upgrade", "")],
        &[("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")],
        &[("Upgrade", "websocket")],
        &[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAEAAEAAAAIAAAAB")],
    ];
    for offer in offers {
        let began = Instant::now();
        let mut connection = Connection::open(running.server.address());
        let padding = "x".repeat(900);
        for round in 0..30 {
            // Of different sizes, so that the server reads some heads in two pieces.
            let (name, value) = length(&body);
            let own = [(name, value.as_str()), ("X-Padding", &padding[..round * 30])];
            connection.send(head("POST", "/api", &[offer, &own[..]].concat()) + &body);
            let answer = connection.read_response();
            assert_eq!((answer.status, answer.body.as_str()), (200, &*result("[]")), "{offer:?}: {answer:?}");
            assert_ne!(answer.header("connection"), Some("close"), "{offer:?}: {answer:?}");
        }
        assert!(began.elapsed() < SOON, "{offer:?}: {:?}", began.elapsed());
    }
}

#[test]
fn a_head_that_comes_byte_by_byte_is_understood_as_one_that_comes_at_once() {
    let running = start();
    let body = call("written", "[]");
    let (name, value) = length(&body);
    let mut connection = Connection::open(running.server.address());
    connection.0.set_nodelay(true).expect("a socket");
    for _ in 0..2 {
        let headers = [("Connection", "upgrade"), ("Upgrade", "websocket"), (name, value.as_str())];
        for byte in (head("POST", "/api", &headers) + &body).bytes() {
            connection.send([byte]);
        }
        assert_eq!(connection.read_response().body, result("[]"));
    }
}

/// What the server answers to a request that never ends, and how much of it the server let itself
/// be sent.
fn endless(running: &Running, path: &str, begin: &str, more: &str) -> (String, usize) {
    let began = Instant::now();
    let mut connection = Connection::open(running.server.address());
    connection.send(head("POST", path, &[("Transfer-Encoding", "chunked")]) + begin);
    let piece = more.repeat(16 * 1024 / more.len());
    let mut sent = 0;
    connection.0.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    while began.elapsed() < SOON {
        match connection.0.write(piece.as_bytes()) {
            Ok(count) => sent += count,
            // The server takes no more of it, or it is gone.
            Err(_) => break,
        }
        if connection.0.set_nonblocking(true).and_then(|()| connection.0.peek(&mut [0])).is_ok() {
            break;
        }
        connection.0.set_nonblocking(false).expect("a socket");
    }
    assert!(began.elapsed() < SOON, "{path}: it goes on after {sent} bytes");
    connection.0.set_nonblocking(false).expect("a socket");
    let mut answer = String::new();
    // It ends in a reset, as the server does not read what is left.
    let _ = connection.0.read_to_string(&mut answer);
    (answer, sent)
}

#[test]
fn what_frames_a_body_counts_to_its_limit() {
    let running = start_with(|server| server.body_limit(100_000));
    let cases = [
        ("an extension", "1;", "a=b;"),
        ("a trailer", "0\r\n", "X-More: and more\r\n"),
        ("one line of a trailer", "0\r\nX-More: ", "and more"),
    ];
    for (name, begin, more) in cases {
        let (answer, sent) = endless(&running, "/api", begin, more);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{name} after {sent} bytes: {answer:?}");
        // The system's own buffers take some megabytes of it.
        assert!(sent < 16 << 20, "{name}: {sent}");
    }
    let chunks: String = call("written", "[]").chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
    let mut connection = Connection::open(running.server.address());
    for _ in 0..2 {
        connection.send(head("POST", "/api", &[("Transfer-Encoding", "chunked")]) + &chunks + "0\r\nA: b\r\n\r\n");
        assert_eq!(connection.read_response().body, result("[]"), "chunks of one byte, and a trailer");
    }
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_order() {
    let running = start();
    let one = |ms: u64| {
        let body = call("wait", &format!("[{ms}]"));
        let (name, value) = length(&body);
        head("POST", "/api", &[(name, value.as_str())]) + &body
    };
    let chunked = |ms: u64| {
        let body = call("wait", &format!("[{ms}]"));
        let framed = format!("{:x};a=b\r\n{body}\r\n0\r\nA: b\r\n\r\n", body.len());
        head("POST", "/api", &[("Transfer-Encoding", "chunked")]) + &framed
    };
    let mut connection = Connection::open(running.server.address());
    // The first one waits, so that the others come while it is under way; some are not whole yet.
    let all: String = (0..200).map(|n| if n % 3 == 0 { chunked(n % 7) } else { one(n % 7) }).collect();
    let all = one(50) + &all;
    let (before, after) = all.split_at(all.len() / 2 + 3);
    connection.send(before);
    std::thread::sleep(Duration::from_millis(20));
    connection.send(after);
    assert_eq!(connection.read_response().body, result("50"));
    for n in 0..200 {
        assert_eq!(connection.read_response().body, result(&(n % 7).to_string()), "{n}");
    }
}
