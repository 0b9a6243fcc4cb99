//! Signals: what ends a server, how fast, and what becomes of the calls under way.

use std::net::TcpStream;
use std::time::Duration;

use callbox_test_support::event_stream::EventStream;
use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, ProgramOutput, RunningProgram};
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{End, WebSocket};
use rustix::process::Signal;
use serde_json::json;

use crate::HELLO;

/// A server with 100 admitted calls that do not end before its input is closed.
fn with_100_calls() -> (RunningProgram, Vec<Connection>) {
    with_100_calls_of("hold", &[])
}

/// The same, of this method and with these headers.
fn with_100_calls_of(method: &str, headers: &[(&str, &str)]) -> (RunningProgram, Vec<Connection>) {
    let program = Program::with_role("holder", &["--port", "0"]).start();
    let mut connections: Vec<_> = (0..100).map(|_| Connection::open(program.address())).collect();
    for (n, connection) in connections.iter_mut().enumerate() {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":[{n}],"id":{n}}}"#);
        connection.send_request("POST", "/api", headers, body);
    }
    until("all calls are admitted", || {
        request(program.address(), "GET", "/calls", &[], "").body == "100 admitted, 0 waiting"
    });
    (program, connections)
}

pub(crate) fn leaves() {
    let program = Program::with_role("greeter", &["--port", "0", "--shutdown-delay", "1h"]).start();
    let ready = || request(program.address(), "GET", "/health/ready", &[], "").status;
    assert_eq!(ready(), 200);
    program.signal(Signal::TERM);
    until("it is not ready", || ready() == 503);
    assert_eq!(request(program.address(), "GET", "/health/live", &[], "").status, 200);
    assert!(request(program.address(), "POST", "/api", &[], HELLO).body.contains("hello world"));
    program.signal(Signal::TERM);
    until_connections_are_refused(&program);
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(0) && log.contains("about to stop"), "{log}");
}

pub(crate) fn delay_cut_short() {
    for signals in [&[Signal::INT][..], &[Signal::TERM, Signal::TERM], &[Signal::HUP, Signal::INT]] {
        let mut program = Program::with_role("greeter", &["--port", "0", "--shutdown-delay", "1h"]).start();
        program.signal(signals[0]);
        if let Some(second) = signals.get(1) {
            program.wait_for_line("about to stop");
            program.signal(*second);
        }
        let ProgramOutput { status, log, .. } = program.wait();
        assert_eq!(status.code(), Some(0), "{signals:?}: {log}");
    }
    let program = Program::with_role("greeter", &["--port", "0", "--shutdown-delay", "200ms"]).start();
    program.signal(Signal::TERM);
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(0) && log.contains("about to stop") && !log.contains("cut short"), "{log}");
}

fn until_connections_are_refused(program: &RunningProgram) {
    until("new connections are refused", || TcpStream::connect(program.address()).is_err());
}

pub(crate) fn drains() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (mut program, connections) = with_100_calls();
        program.signal(signal);
        until_connections_are_refused(&program);
        program.close_input();
        let answers: Vec<_> = connections.into_iter().map(|mut connection| connection.read_response()).collect();
        let ProgramOutput { status, out, log } = program.wait();
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.status, 200, "{signal:?}: {answer:?}");
            assert_eq!(answer.body, format!(r#"{{"jsonrpc":"2.0","result":{n},"id":{n}}}"#), "{signal:?}:\n{log}");
        }
        assert!(status.code() == Some(0) && out.is_empty(), "{signal:?}: {status:?} {out:?}\n{log}");
        assert!(log.lines().last().is_some_and(|line| line.contains("stopped")), "{log}");
    }
}

pub(crate) fn drains_streams() {
    let mut program = Program::with_role("holder", &["--port", "0"]).start();
    let mut idle = WebSocket::open(program.address());
    let mut busy = WebSocket::open(program.address());
    let silence = busy.subscribe("silence", json!([]));
    let held = busy.start("hold", json!([7]));
    let body = r#"{"jsonrpc":"2.0","method":"silence","id":1}"#;
    let mut events = EventStream::open(program.address(), &[], body);
    events.event().expect("a reply");
    until("the call is admitted", || {
        request(program.address(), "GET", "/calls", &[], "").body == "3 admitted, 0 waiting"
    });
    program.signal(Signal::TERM);
    assert_eq!(idle.rest(), (vec![], End::Code(1001)));
    assert_eq!(busy.notice_of(&silence)["error"]["code"], -32003);
    assert_eq!(events.notice()["error"]["code"], -32003);
    assert_eq!(events.event(), None);
    program.close_input();
    let (messages, end) = busy.rest();
    assert_eq!(messages, [json!({ "jsonrpc": "2.0", "result": 7, "id": held })]);
    assert_eq!(end, End::Code(1001));
    let ProgramOutput { status, log, .. } = program.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

pub(crate) fn second_signal() {
    let (program, connections) = with_100_calls();
    program.signal(Signal::TERM);
    until_connections_are_refused(&program);
    program.signal(Signal::INT);
    // Its input is open still, so the calls have not ended.
    let ProgramOutput { log, .. } = program.wait();
    assert!(log.contains("stopping at once"), "{log}");
    drop(connections);
}

/// Deadlines and the ends of the calls come at one time: when the process goes on.
pub(crate) fn pause() {
    let (mut program, connections) = with_100_calls_of("hold", &[("Request-Timeout", "2")]);
    program.signal(Signal::STOP);
    program.close_input();
    std::thread::sleep(Duration::from_millis(2500));
    program.signal(Signal::CONT);
    for mut connection in connections {
        let answer = connection.read_response();
        assert_eq!(answer.json()["error"]["code"], -32002, "{answer:?}");
    }
}

pub(crate) fn second_hangup() {
    let (mut program, connections) = with_100_calls();
    program.signal(Signal::HUP);
    until_connections_are_refused(&program);
    // Shell and system both send it when a terminal is closed.
    program.signal(Signal::HUP);
    program.close_input();
    for mut connection in connections {
        assert_eq!(connection.read_response().status, 200);
    }
    let ProgramOutput { status, log, .. } = program.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

pub(crate) fn ignored_hangup() {
    let program = Program::with_role("greeter", &["--port", "0"]).after("trap '' HUP").start();
    program.signal(Signal::HUP);
    assert_eq!(request(program.address(), "POST", "/api", &[], HELLO).status, 200);
    program.signal(Signal::TERM);
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(0) && log.contains("signal=\"SIGTERM\""), "{log}");
}
