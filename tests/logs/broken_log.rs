//! A log that cannot be written, and a subscriber that panics.

use std::fs;
use std::process::Stdio;

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::wait::until;
use rustix::process::Signal;

use crate::{call, post};

/// Calls each method of the fragile service a few times, also as notifications, and checks that the
/// service is still there.
fn breaks(program: &RunningProgram) {
    let methods = [
        ("fail", -32603),
        ("panics", -32603),
        ("panics_alone", -32603),
        ("panics_later", -32603),
        ("panics_computing", -32603),
        ("never", -32002),
        ("nobody", -32601),
    ];
    for (method, code) in methods {
        for round in 0..3 {
            let body = call(method, "[]");
            assert_eq!(post(program, &[], &body.replace(r#","id":1"#, "")).status, 204, "{method} {round}");
            // A new state may not be there yet, and too many of them take half a second.
            until(method, || post(program, &[], &body).json()["error"]["code"] == code);
        }
        until("it answers", || post(program, &[], &call("echo", r#"["x"]"#)).json()["result"] == "x");
    }
}

/// Standard errors that cannot be written.
fn no_logs() -> [(&'static str, Stdio); 2] {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a disk that is full");
    [("a closed pipe", writer.into()), ("a full disk", full.into())]
}

pub(crate) fn unwritable() {
    for (name, log) in no_logs() {
        let program = Program::with_role("fragile", &[]).env("RUST_LOG", "trace").start_with_log(log);
        breaks(&program);
        program.signal(Signal::TERM);
        let ended = program.wait();
        assert_eq!((ended.status.code(), ended.out.as_str()), (Some(0), ""), "{name}");
    }
}

pub(crate) fn unwritable_at_the_end() {
    for (name, log) in no_logs() {
        let mut program = Program::with_role("holder", &[]).start_with_log(log);
        let mut connection = Connection::open(program.address());
        connection.send_request("POST", "/api", &[], call("hold", "[7]"));
        until("it is admitted", || request(program.address(), "GET", "/calls", &[], "").body.starts_with("1 admitted"));
        program.signal(Signal::TERM);
        until("it drains", || std::net::TcpStream::connect(program.address()).is_err());
        program.close_input();
        assert_eq!(connection.read_response().json()["result"], 7, "{name}");
        assert_eq!(program.wait().status.code(), Some(0), "{name}");
    }
}

pub(crate) fn faulty_subscriber() {
    let program = Program::with_role("faulty log", &[]).start_with_log(Stdio::null());
    breaks(&program);
    program.signal(Signal::TERM);
    assert_eq!(program.wait().status.code(), Some(0));
}
