//! The cause behind the correlation id that a caller gets.

use callbox_test_support::program::Program;
use serde_json::Value;

use crate::logs::{call, lines, log_of, post};

pub(crate) fn panics() {
    let program = Program::with_role("keeper", &["--port", "0"]).start();
    let answer = post(&program, &[], &call("panics", r#"["x"]"#)).json();
    let id = answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned();
    assert_eq!(post(&program, &[], &call("echo", r#"["x"]"#)).json()["result"], "x", "the server goes on");
    let log = log_of(program);
    let errors = lines(&log, "ERROR");
    assert_eq!(errors.len(), 1, "{log}");
    for part in [&id, "the method panics panicked", "on purpose"] {
        assert!(errors[0].contains(part), "{part}: {}", errors[0]);
    }
}

pub(crate) fn each_cause() {
    let program = Program::with_role("fragile", &["--port", "0", "--log", "callbox=debug"]).start();
    let ids: Vec<_> = (0..20)
        .map(|_| {
            let answer = post(&program, &[], &call("fail", "[]")).json();
            answer["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let log = log_of(program);
    for id in ids {
        let logged = log.lines().filter(|line| line.contains(&format!("correlation_id={id} cause=on purpose"))).count();
        assert_eq!(logged, 1, "{id}: {log}");
    }
}

pub(crate) fn any_start() {
    for role in ["launched", "tested"] {
        let ended = Program::with_role(role, &[]).run();
        let data: Value = serde_json::from_str(&ended.out).expect("what the call was answered");
        let id = data["correlation_id"].as_str().expect("an id");
        let logged = lines(&ended.log, "ERROR").iter().filter(|line| line.contains(id)).count();
        assert_eq!((ended.status.code(), logged), (Some(0), 1), "{role}: {}", ended.log);
    }
}
