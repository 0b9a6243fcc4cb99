//! The requests behind lines of the log, and their ids.

use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::roles::GOOD_TOKEN;
use serde_json::Value;

use crate::logs::{call, log_of, post};

pub(super) const TOKEN: (&str, &str) = ("X-Api-Token", GOOD_TOKEN);

/// Methods that write a line of their own: where each transport thread, the service's thread, and
/// the pool runs them.
const CHATTY: [&str; 8] =
    ["say", "say_at_home", "change", "say_later", "change_later", "compute", "whisper", "ask_deep"];

pub(super) fn chatty(args: &[&str]) -> RunningProgram {
    Program::with_role("chatty", &[&["--port", "0"], args].concat()).start()
}

/// Returns the lines of a log of JSON. All of them have to be objects with the fixed fields.
pub(crate) fn objects(log: &str) -> Vec<Value> {
    let read = |line: &str| -> Value {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let time = object["time"].as_str().expect("a time");
        assert!(time.len() == 27 && time.ends_with('Z') && &time[10..11] == "T", "{line}");
        for name in ["level", "target", "message"] {
            assert!(object[name].is_string(), "{name}: {line}");
        }
        assert!(line.starts_with("{\"time\":\""), "{line}");
        object
    };
    log.lines().map(read).collect()
}

/// Returns the lines of the access log.
pub(super) fn access(log: &str) -> Vec<Value> {
    objects(log).into_iter().filter(|line| line["target"] == "callbox::access").collect()
}

pub(crate) fn lines_of_methods() {
    // Each way in which requests become known to the log.
    for args in [&["--log-format", "json"][..], &["--access-log"], &["--log", "info,callbox=debug"]] {
        let program = chatty(args);
        let sent = |id: &str, body: &str| {
            let response = post(&program, &[TOKEN, ("X-Request-Id", id)], body);
            assert_eq!(response.header("x-request-id"), Some(id), "{args:?}: {response:?}");
            assert!(!response.body.contains("error"), "{response:?}");
        };
        for method in CHATTY {
            sent(&format!("id-of-{method}"), &call(method, "[]"));
        }
        let batch: Vec<_> = CHATTY.iter().map(|method| call(method, "[]")).collect();
        sent("id-of-batch", &format!("[{}]", batch.join(",")));
        // In one turn.
        sent("id-of-series", &format!("[{}]", vec![call("say", "[]"); 5].join(",")));
        let log = log_of(program);
        let own =
            |method: &str| log.lines().filter(|line| line.contains(&format!("a line of {method}"))).collect::<Vec<_>>();
        let has = |line: &str, name: &str, value: &str| {
            line.contains(&format!(r#"{name}="{value}""#)) || line.contains(&format!(r#""{name}":"{value}""#))
        };
        for method in CHATTY {
            let name = if method == "ask_deep" { "deep.answer" } else { method };
            let lines = own(&format!("{method}{}", if args[1..] == ["json"] { "\"" } else { " " }));
            let series = if method == "say" { 5 } else { 0 };
            assert_eq!(lines.len(), 2 + series, "{args:?} {method}: {log}");
            assert!(has(lines[0], "request_id", &format!("id-of-{method}")), "{args:?}: {}", lines[0]);
            assert!(has(lines[1], "request_id", "id-of-batch"), "{args:?}: {}", lines[1]);
            assert!(lines[2..].iter().all(|line| has(line, "request_id", "id-of-series")), "{args:?}: {lines:?}");
            assert!(lines.iter().all(|line| has(line, "method", name)), "{args:?}: {lines:?}");
            assert_eq!(has(lines[0], "caller", "ann"), method == "whisper", "{args:?}: {}", lines[0]);
        }
    }
}

pub(crate) fn sent_ids() {
    let program = chatty(&[]);
    let sent = post(&program, &[TOKEN, ("X-Request-Id", "7f3a")], &call("whisper", "[]"));
    assert_eq!(sent.header("x-request-id"), Some("7f3a"));
    let failed = post(&program, &[("X-Request-Id", "7f3b")], &call("fail", "[]"));
    assert_eq!(failed.json()["error"]["data"]["correlation_id"], "7f3b");
    let log = log_of(program);
    let line = |method: &str| {
        let text = format!("a line of {method}");
        log.lines().find(|line| line.contains(&text)).unwrap_or_else(|| panic!("{method}: {log}"))
    };
    for part in [r#"method="whisper""#, r#"caller="ann""#, r#"request_id="7f3a""#] {
        assert!(line("whisper").contains(part), "{part}: {}", line("whisper"));
    }
}

pub(crate) fn unsent_ids() {
    let program = chatty(&[]);
    for method in CHATTY {
        let response = post(&program, &[TOKEN], &call(method, "[]"));
        // A method that calls others looks at its request, and the other ones do not.
        assert_eq!(response.header("x-request-id").is_some(), method == "ask_deep", "{method}");
    }
    let batch: Vec<_> = CHATTY.iter().map(|method| call(method, "[]")).collect();
    post(&program, &[TOKEN], &format!("[{}]", batch.join(",")));
    let mut of_errors = Vec::new();
    for method in ["fail", "panics", "panics_later", "panics_computing"] {
        let failed = post(&program, &[], &call(method, "[]"));
        let id = failed.json()["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned();
        assert_eq!(failed.header("x-request-id"), Some(&*id), "{method}");
        of_errors.push(id);
    }
    let log = log_of(program);
    let id_of = |line: &str| -> String {
        let (_, rest) = line.split_once("request_id=\"").unwrap_or_else(|| panic!("no id: {line}"));
        rest.split_once('"').unwrap_or_else(|| panic!("no id: {line}")).0.to_owned()
    };
    let (mut alone, mut of_batch) = (Vec::new(), Vec::new());
    for method in CHATTY {
        let text = format!("a line of {method} ");
        let lines: Vec<_> = log.lines().filter(|line| line.contains(&text)).map(id_of).collect();
        let [first, second] = &lines[..] else { panic!("{method}: {log}") };
        alone.push(first.clone());
        of_batch.push(second.clone());
    }
    assert!(of_batch.iter().all(|id| *id == of_batch[0]), "a batch is one request: {of_batch:?}");
    let all: std::collections::BTreeSet<_> = alone.iter().chain(&of_batch).chain(&of_errors).collect();
    assert_eq!(all.len(), CHATTY.len() + 1 + of_errors.len(), "each request has its own: {alone:?} {of_errors:?}");
    assert!(of_errors.iter().all(|id| log.contains(id.as_str())), "{of_errors:?}: {log}");
}

pub(crate) fn lines_of_callbox() {
    let program = chatty(&["--log-format", "json", "--log", "info,callbox=debug"]);
    let calls = [
        ("say", "[]", 0, "call"),
        ("say_at_home", "[]", 0, "call"),
        ("compute", "[]", 0, "call"),
        ("never", "[]", -32002, "call"),
        ("refuse", "[]", 7, "call"),
        ("say", "[1]", -32602, "call"),
        ("whisper", "[]", -32001, "call refused"),
        ("nobody", "[]", -32601, "call refused"),
        ("fail", "[]", -32603, "internal error"),
        ("panics", "[]", -32603, "internal error"),
        ("panics_later", "[]", -32603, "internal error"),
        ("panics_computing", "[]", -32603, "internal error"),
    ];
    for (number, (method, params, code, _)) in calls.iter().enumerate() {
        let response = post(&program, &[("X-Request-Id", &format!("id-{number}"))], &call(method, params));
        assert_eq!(response.header("x-request-id"), Some(&*format!("id-{number}")), "{method}");
        let answer = response.json();
        assert_eq!(answer["error"]["code"].as_i64().unwrap_or(0), *code, "{method}: {answer}");
        if *code == -32603 {
            assert_eq!(answer["error"]["data"]["correlation_id"], format!("id-{number}"), "{method}: {answer}");
        }
    }
    let log = objects(&log_of(program));
    for (number, (method, .., message)) in calls.iter().enumerate() {
        let of_request: Vec<_> = log.iter().filter(|line| line["request_id"] == format!("id-{number}")).collect();
        assert!(of_request.iter().any(|line| line["message"] == *message), "{method}: {of_request:?}");
        let other = of_request.iter().find(|line| line.get("method").is_some_and(|name| name != method));
        assert!(other.is_none(), "{method}: {other:?}");
    }
}

pub(crate) fn made_ids() {
    let program = chatty(&["--access-log", "--log-format", "json"]);
    let mut ids = Vec::new();
    for sent in [None, Some("a b"), Some("it's"), Some(&*"x".repeat(129))] {
        let headers: Vec<_> = sent.iter().map(|id| ("X-Request-Id", *id)).collect();
        let response = post(&program, &headers, &call("say", "[]"));
        ids.push(response.header("x-request-id").expect("an id").to_owned());
        assert_ne!(ids.last().map(String::as_str), sent);
    }
    let twice = post(&program, &[("X-Request-Id", "1"), ("X-Request-Id", "2")], &call("say", "[]"));
    ids.push(twice.header("x-request-id").expect("an id").to_owned());
    let log = log_of(program);
    let logged: Vec<_> = access(&log).iter().map(|line| line["request_id"].clone()).collect();
    assert_eq!(logged, ids);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

pub(crate) fn ids_of_errors() {
    for args in [&[][..], &["--access-log"], &["--log-format", "json"], &["--log", "debug"]] {
        let program = chatty(args);
        for sent in [None, Some("two words"), Some("7f3a")] {
            let headers: Vec<_> = sent.iter().map(|id| ("X-Request-Id", *id)).collect();
            let failed = post(&program, &headers, &call("fail", "[]"));
            let id = failed.json()["error"]["data"]["correlation_id"].as_str().expect("an id").to_owned();
            assert_eq!(failed.header("x-request-id"), Some(&*id), "{args:?} {sent:?}");
            assert_eq!(sent == Some(&*id), sent == Some("7f3a"), "{args:?} {sent:?}");
        }
    }
}
