//! Calls that come while a server starts.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU16, Ordering};

use callbox_test_support::free_port::is_free;
use callbox_test_support::http::{Connection, Response, request};
use callbox_test_support::program::{Program, ProgramOutput};
use callbox_test_support::wait::until;
use rustix::process::Signal;

use crate::HELLO;

/// A port that is free, and below those that the system gives to programs which ask for any: other
/// tests do.
fn free_port() -> String {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Another run of the tests begins elsewhere.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("a small number");
    let port = || FIRST + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
    let mut ports = std::iter::repeat_with(port).take(usize::from(COUNT));
    ports.find(|port| is_free(*port)).expect("a free port").to_string()
}

/// The answer to a call that comes as soon as anybody listens.
fn call_at_once(port: &str) -> Response {
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    until("it listens", || TcpStream::connect(address).is_ok());
    request(address, "POST", "/api", &[], HELLO)
}

pub(crate) fn starts() {
    for (role, times) in [("greeter", 150), ("slow start", 50)] {
        for time in 0..times {
            let port = free_port();
            let program = Program::with_role(role, &["--port", &port]).spawn();
            let answer = call_at_once(&port);
            let result = r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#;
            assert_eq!(answer.body, result, "{role}, start {time}");
            drop(program);
        }
    }
}

pub(crate) fn waits_in_vain() {
    let port = free_port();
    let program = Program::with_role("slow no start", &["--port", &port]).spawn();
    let answer = call_at_once(&port);
    assert_eq!(answer.json()["error"]["code"], -32003, "{answer:?}");
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(1) && log.contains("on_start failed: not today"), "{log}");
}

pub(crate) fn stopped_early() {
    let port = free_port();
    let program = Program::with_role("long start", &["--port", &port]).spawn();
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    until("it listens", || TcpStream::connect(address).is_ok());
    let mut connection = Connection::open(address);
    connection.send_request("POST", "/api", &[], HELLO);
    until("it is alive", || request(address, "GET", "/health/live", &[], "").status == 200);
    assert_eq!(request(address, "GET", "/health/ready", &[], "").status, 503);
    program.signal(Signal::TERM);
    let answer = connection.read_response();
    assert_eq!(answer.json()["error"]["code"], -32003, "{answer:?}");
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(0) && log.contains("before the services are up"), "{log}");
}
