//! A log that cannot be written, and a subscriber that panics.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::wait::until;
use rustix::process::Signal;

use crate::logs::{call, post};

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

/// Calls a method until the pipe, the queue in front of it, and more would be full.
fn floods(program: &RunningProgram) {
    let body = format!("[{}]", vec![call("echo", r#"["x"]"#); 100].join(","));
    let lost = || {
        let metrics = request(program.address(), "GET", "/metrics", &[], "").body;
        let line = metrics.lines().find_map(|line| line.strip_prefix("callbox_log_lines_lost_total "));
        line.and_then(|number| number.parse::<u64>().ok()).expect("it is there")
    };
    until("lines are lost, and counted", || {
        assert_eq!(post(program, &[], &body).status, 200);
        lost() > 100
    });
}

pub(crate) fn full_pipe() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let program =
        Program::with_role("fragile", &["--access-log"]).env("RUST_LOG", "debug").start_with_log(writer.into());
    floods(&program);
    breaks(&program);
    program.signal(Signal::TERM);
    let ended = program.wait();
    assert_eq!((ended.status.code(), ended.out.as_str()), (Some(0), ""));
    drop(reader);
}

pub(crate) fn slow_reader() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let program =
        Program::with_role("fragile", &["--access-log"]).env("RUST_LOG", "debug").start_with_log(writer.into());
    floods(&program);
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).expect("a log of text");
        log
    });
    // The lines that waited are written by now, so those to come find room.
    until("its log is read again", || {
        std::thread::sleep(Duration::from_millis(50));
        post(&program, &[], &call("echo", r#"["x"]"#)).status == 200
    });
    program.signal(Signal::TERM);
    assert_eq!(program.wait().status.code(), Some(0));
    let log = reading.join().expect("it is read to its end");
    let lost = log.lines().filter_map(|line| line.strip_suffix(" lines of the log could not be written"));
    let lost: Vec<u64> = lost.map(|number| number.parse().expect("a number")).collect();
    assert!(!lost.is_empty() && lost.iter().all(|number| *number > 0), "{lost:?}");
    assert!(log.lines().last().is_some_and(|line| line.ends_with("stopped")), "{:?}", log.lines().last());
}

pub(crate) fn faulty_subscriber() {
    let program = Program::with_role("faulty log", &[]).start_with_log(Stdio::null());
    breaks(&program);
    program.signal(Signal::TERM);
    assert_eq!(program.wait().status.code(), Some(0));
}
