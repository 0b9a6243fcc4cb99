//! Calls that come while a server starts.

use std::net::{TcpListener, TcpStream};

use callbox_test_support::http::{Connection, Response, request};
use callbox_test_support::program::{Program, ProgramOutput};
use callbox_test_support::wait::until;
use rustix::process::Signal;

use crate::HELLO;

/// A port that is free, as far as one can know.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
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
