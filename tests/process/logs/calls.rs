//! The log lines of a call: one at debug, and a warning if it blocks its thread or would cause a
//! call cycle.

use callbox_test_support::program::Program;
use callbox_test_support::roles::GOOD_TOKEN;

use crate::logs::{call, lines, log_of, post};

pub(crate) fn one_line_each() {
    let program = Program::with_role("keeper", &["--port", "0"]).env("RUST_LOG", "callbox=debug").start();
    let token = ("X-Api-Token", GOOD_TOKEN);
    let quiet = r#"{"jsonrpc":"2.0","method":"echo","params":["x"]}"#;
    let calls = [
        (call("echo", r#"["x"]"#), [r#"method="echo""#, "notification=false end=Answered"]),
        (call("echo", r#"["x"]"#), [r#"method="echo""#, "notification=false end=Answered"]),
        (quiet.to_owned(), [r#"method="echo""#, "notification=true"]),
        (call("secret", r#"["x"]"#), [r#"method="secret""#, r#"caller="ann""#]),
        (call("fail", r#"["x"]"#), [r#"method="fail""#, "code=7"]),
        (call("panics", r#"["x"]"#), [r#"method="panics""#, "end=Panicked"]),
        (call("never", r#"["x"]"#), [r#"method="never""#, "end=Expired"]),
        (call("echo", "[]"), [r#"method="echo""#, "code=-32602"]),
        (call("nobody", "[]"), [r#"method="nobody""#, "code=-32601"]),
        (call("no\\nbody", "[]"), [r#"method="no\nbody""#, "code=-32601"]),
        (call("get_service_specs", "[]"), [r#"method="get_service_specs""#, "notification=false"]),
    ];
    for (body, _) in &calls {
        post(&program, &[token], body);
    }
    post(&program, &[], &call("secret", r#"["x"]"#));
    let batch = calls[..2].iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>();
    post(&program, &[], &format!("[{}]", batch.join(",")));
    let mut expected: Vec<_> = calls.iter().map(|(_, parts)| *parts).collect();
    expected.extend([[r#"method="secret""#, "code=-32001"], calls[0].1, calls[1].1]);
    let log = log_of(program);
    let mut logged: Vec<_> = lines(&log, "DEBUG").into_iter().filter(|line| line.contains("method=")).collect();
    assert_eq!(logged.len(), expected.len(), "{log}");
    // The line of a call may be written when its reply is already on its way, and so behind that of
    // the next call.
    for parts in expected {
        let at = logged.iter().position(|line| parts.iter().all(|part| line.contains(part)));
        logged.swap_remove(at.unwrap_or_else(|| panic!("{parts:?}: {log}")));
    }
}

pub(crate) fn dawdling() {
    let program = Program::with_role("dawdler", &["--port", "0"]).start();
    let calls = [("dawdle", 20), ("dawdle_later", 20), ("dawdle", 20), ("dawdle_later", 20), ("dawdle", 20)];
    for (method, millis) in calls.into_iter().chain([("wait", 500), ("grind", 50)]) {
        assert!(post(&program, &[], &call(method, &format!("[{millis}]"))).json()["result"].is_null());
    }
    let log = log_of(program);
    let warned = |method: &str| {
        let name = format!("method=\"{method}\"");
        lines(&log, "WARN").into_iter().filter(|line| line.contains(&name)).map(str::to_owned).collect::<Vec<_>>()
    };
    let held_ms = |line: &str| -> u64 {
        let held = line.split("held_ms=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        held.unwrap_or_else(|| panic!("no time: {line}"))
    };
    for method in ["dawdle", "dawdle_later"] {
        let lines = warned(method);
        assert_eq!(lines.len(), 1, "{method}: {log}");
        assert!(held_ms(&lines[0]) >= 20, "{}", lines[0]);
        for part in ["times=1", "held its thread", "await what takes long", "marked `compute`"] {
            assert!(lines[0].contains(part), "{part}: {}", lines[0]);
        }
    }
    // A busy machine may hold up anybody for a while, but not for as long as that.
    assert!(warned("wait").iter().all(|line| held_ms(line) < 400), "{log}");
    assert!(warned("grind").is_empty(), "{log}");
}

pub(crate) fn round_trip() {
    let program = Program::with_role("round", &["--port", "0"]).start();
    let answer = post(&program, &[], &call("there.go", "[]"));
    assert_eq!(answer.json()["error"]["code"], -32603, "{answer:?}");
    assert!(!answer.body.contains("test."), "{answer:?}");
    let log = log_of(program);
    let chain = "test.there → test.back → there.arrive would wait for itself";
    assert!(lines(&log, "ERROR").iter().any(|line| line.contains(chain)), "{log}");
}
