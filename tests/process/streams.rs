//! Streams of a server as a process: the limits that its settings give them, and its warning of one
//! that holds its thread.

use std::fs;

use callbox_test_support::program::{Program, ProgramOutput, RunningProgram};
use callbox_test_support::websocket::WebSocket;
use rustix::process::Signal;
use serde_json::json;

/// Starts a server for each source of a setting, with another value each, and hands it to `check`.
fn with_each_source(setting: &str, check: impl Fn(&RunningProgram, usize)) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = format!("port = 0\n{setting} = 4\n");
    fs::write(directory.path().join("callbox.toml"), file).expect("a file");
    let (flag, variable) = (format!("--{}", setting.replace('_', "-")), format!("CALLBOX_{}", setting.to_uppercase()));
    let program = |args: &[&str]| Program::with_role("streaming", args).in_directory(directory.path());
    check(&program(&[&flag, "2"]).env(&variable, "3").start(), 2);
    check(&program(&[]).env(&variable, "3").start(), 3);
    check(&program(&[]).start(), 4);
}

pub(crate) fn calls() {
    with_each_source("websocket_calls", |program, limit| {
        let mut socket = WebSocket::open(program.address());
        let first = socket.start("wait", json!([]));
        (2..limit).for_each(|_| _ = socket.start("wait", json!([])));
        assert_eq!(socket.result("ping", json!([])), "pong", "there is a place left");
        socket.start("wait", json!([]));
        let waiting = socket.start("ping", json!([]));
        socket.notify("$/cancelRequest", json!({ "id": first }));
        // It would come first, if there had been a place for it.
        let replies = [socket.reply(), socket.reply()];
        assert_eq!(replies.each_ref().map(|reply| &reply["id"]), [first, waiting], "{limit}: {replies:?}");
        assert_eq!((&replies[0]["error"]["code"], &replies[1]["result"]), (&json!(-32800), &json!("pong")));
    });
}

pub(crate) fn subscriptions() {
    with_each_source("websocket_subscriptions", |program, limit| {
        let mut socket = WebSocket::open(program.address());
        let ids: Vec<_> = (0..limit).map(|_| socket.subscribe("silence", json!([]))).collect();
        let error = socket.call("silence", json!([]))["error"].take();
        assert_eq!((&error["code"], &error["data"]["reason"]), (&json!(-32000), &json!("subscriptions")), "{limit}");
        assert_eq!(socket.result("rpc.unsubscribe", json!([ids[0]])), true);
        socket.subscribe("silence", json!([]));
    });
}

pub(crate) fn held_threads() {
    let mut program = Program::with_role("streaming", &["--port", "0"]).start();
    let mut socket = WebSocket::open(program.address());
    let id = socket.subscribe("laborious", json!([10]));
    assert_eq!(socket.item_of(&id), 1);
    let line = program.wait_for_line("held its thread");
    for part in ["WARN", r#"method="laborious""#, "await what takes long"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let held_ms = line.split("held_ms=").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(held_ms.is_some_and(|held_ms| held_ms >= 10), "{line}");
    drop(socket);
    program.signal(Signal::TERM);
    let ProgramOutput { status, log, .. } = program.wait();
    assert_eq!((status.code(), log.matches("held its thread").count()), (Some(0), 1), "{log}");
}
