//! Clients that leave half-way or with a running batch, and clients that send malformed requests.
//! Clients that leave a single call are in `tests/failures`.

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callbox_test_support::http::{Connection, Response, head, request};
use callbox_test_support::wait::until;

use crate::service::{Patient, Running, call, result, start, start_with};

fn open_call(running: &Running, method: &str, params: &str) -> Connection {
    let mut connection = Connection::open(running.server.address());
    connection.send_request("POST", "/api", &[], call(method, params));
    connection
}

#[test]
fn a_client_that_closes_half_of_its_connection_has_left_unless_that_is_allowed() {
    let running = start();
    let reader = open_call(&running, "read", "[]");
    until("it runs", || running.reading.load(Ordering::SeqCst) == 1);
    reader.0.shutdown(Shutdown::Write).unwrap();
    until("it is dropped", || running.reading.load(Ordering::SeqCst) == 0);

    let running = start_with(|server| server.allow_half_closed(true));
    let mut reader = open_call(&running, "read", "[]");
    until("it runs", || running.reading.load(Ordering::SeqCst) == 1);
    reader.0.shutdown(Shutdown::Write).unwrap();
    running.gate.add_permits(1);
    assert_eq!(reader.read_response().body, result("0"));
}

#[test]
fn when_the_client_of_a_batch_leaves_all_of_its_calls_are_given_up() {
    let running = start();
    let mut connection = Connection::open(running.server.address());
    // One runs, four wait, and five more find no room.
    let members: Vec<_> = (0..10).map(|n| call("write", &format!("[{n}]"))).collect();
    connection.send_request("POST", "/api", &[], format!("[{}]", members.join(",")));
    until("one runs and four wait", || running.stats("write").queued == 5 && running.stats("write").depth == 4);
    let admitted = || running.stats("write").queued;
    connection.shut_down();
    until("they are counted as abandoned", || running.stats("write").abandoned == admitted());
    running.gate.add_permits(10);
    running.server.wait_idle::<Patient>();
    assert_eq!(running.server.post(call("written", "[]")).body, result("[0]"), "the one that ran");
}

#[test]
fn after_bodies_that_nobody_can_read_a_good_call_is_answered() {
    let running = start();
    let good = call("written", "[]");
    let naughty: [&[u8]; 8] =
        [b"\0", b"\xff\xfe{", b"{\"a\":\"\\ud800\"", b"[[[[", b"\"", b"<xml/>", b"GET / HTTP/1.1", &[b'['; 200_000]];
    for body in naughty {
        let mut connection = Connection::open(running.server.address());
        connection.send_request("POST", "/api", &[], body);
        assert!(connection.read_response().body.contains("-32700"), "{:?}", &body[..body.len().min(20)]);
        connection.send_request("POST", "/api", &[], &good);
        assert_eq!(connection.read_response().body, result("[]"), "on the same connection");
    }
    for broken in
        ["POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", "\0\0\0\0\r\n\r\n", "NONSENSE\r\n\r\n"]
    {
        let mut connection = Connection::open(running.server.address());
        connection.send(broken);
        connection.assert_closed();
    }
    let mut half = Connection::open(running.server.address());
    half.send(head("POST", "/api", &[("Content-Length", "1000")]) + &good);
    half.shut_down();
    assert_eq!(running.server.post(&good).body, result("[]"));
}

/// Sends 100 MB while it waits for the response, which it returns with the number of bytes that the
/// server took.
fn send_100_mb(running: &Running, header: (&str, &str), begin: &str) -> (Response, usize) {
    let mut connection = Connection::open(running.server.address());
    connection.send(head("POST", "/api", &[header]));
    let mut sending = connection.0.try_clone().unwrap();
    let begin = begin.to_owned();
    let sender = std::thread::spawn(move || {
        let piece = [begin.as_bytes(), &[b'1'; 0x10000], b"\r\n"].concat();
        (0..1600).take_while(|_| sending.write_all(&piece).is_ok()).count() * piece.len()
    });
    let answer = connection.read_response();
    connection.shut_down();
    (answer, sender.join().unwrap())
}

#[test]
fn a_body_of_100_mb_is_rejected_unread_and_the_server_still_answers() {
    let running = start();
    for (header, begin) in [(("Content-Length", "104857600"), ""), (("Transfer-Encoding", "chunked"), "10000\r\n")] {
        let (answer, taken_bytes) = send_100_mb(&running, header, begin);
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{header:?}: {answer:?}");
        assert!(taken_bytes < 50_000_000, "{header:?}: {taken_bytes} bytes were taken");
        assert_eq!(running.server.post(call("written", "[]")).body, result("[]"), "after {header:?}");
    }
}

#[test]
fn several_requests_on_one_connection_are_answered_in_their_order() {
    let running = start();
    let mut connection = Connection::open(running.server.address());
    for ms in [30, 1, 10] {
        connection.send_request("POST", "/api", &[], call("wait", &format!("[{ms}]")));
    }
    for ms in ["30", "1", "10"] {
        assert_eq!(connection.read_response().body, result(ms));
    }
    assert_eq!(request(running.server.address(), "POST", "/nowhere", &[], "{}").status, 404);
}

#[test]
fn an_idle_connection_is_kept_for_as_long_as_is_set() {
    let running = start_with(|server| server.keep_alive(Duration::from_secs(3)));
    let mut connection = Connection::open(running.server.address());
    for _ in 0..2 {
        connection.send_request("POST", "/api", &[], call("wait", "[1]"));
        assert_eq!(connection.read_response().body, result("1"));
        // Both pauses together are longer than that.
        std::thread::sleep(Duration::from_secs(2));
    }
    connection.assert_closed();
}

#[test]
fn one_peer_has_only_so_many_connections_and_leaves_the_others_theirs() {
    let running = start_with(|server| server.max_connections_per_peer(2));
    let (address, good) = (running.server.address(), call("written", "[]"));
    let status = |connection: &mut Connection| {
        connection.send_request("POST", "/api", &[], &good);
        connection.read_response().status
    };
    let mut welcome = [Connection::open(address), Connection::open(address)];
    assert_eq!(welcome.each_mut().map(status), [200, 200]);
    let mut third = Connection::open(address);
    third.send_request("POST", "/api", &[], &good);
    let answer = third.read_response();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    third.assert_closed();
    assert_eq!(status(&mut Connection::open_from([127, 0, 0, 2], address)), 200, "another peer");
    assert_eq!(welcome.each_mut().map(status), [200, 200]);
    drop(welcome);
    until("it has room again", || status(&mut Connection::open(address)) == 200);
}
