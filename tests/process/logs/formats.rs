//! The formats of the log.

use std::collections::BTreeSet;

use callbox_test_support::http::Connection;
use callbox_test_support::program::Program;
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::logs::requests::objects;
use crate::logs::{call, lines, log_of, post};

pub(crate) fn json_alone() {
    let program = Program::with_role("chatty", &["--port", "0", "--log-format", "json", "--log", "debug"]);
    let program = program.env("RUST_BACKTRACE", "1").start();
    let methods = ["say", "panics", "panics_later", "panics_computing", "fail", "refuse", "never", "no\\nbody"];
    for method in methods {
        for _ in 0..3 {
            post(&program, &[("X-Api-Token", GOOD_TOKEN)], &call(method, "[]"));
        }
    }
    post(&program, &[("Host", "strange.example.org")], &call("say", "[]"));
    let log = objects(&log_of(program));
    let panics: Vec<_> = log.iter().filter(|line| line["target"] == "callbox::panic").collect();
    // On a busy machine more than a second may pass between two panics at the same place, which are
    // then two lines.
    let places: BTreeSet<_> = panics.iter().map(|panic| panic["location"].to_string()).collect();
    assert_eq!(places.len(), 3, "three methods panic: {panics:?}");
    for panic in panics {
        assert_eq!(
            (panic["level"].as_str(), panic["message"].as_str()),
            (Some("ERROR"), Some("panicked: on\npurpose"))
        );
        assert!(panic["method"].as_str().is_some_and(|method| method.starts_with("panics")), "{panic}");
        let id = &panic["request_id"];
        let error = log.iter().find(|line| line["message"] == "internal error" && line["request_id"] == *id);
        assert!(id.is_string() && error.is_some(), "its caller has this id: {panic}");
        assert!(panic["location"].as_str().is_some_and(|place| place.contains("chatty.rs:")), "{panic}");
        assert!(panic["backtrace"].as_str().is_some_and(|trace| trace.contains('\n')), "{panic}");
    }
    for text in ["listening", "the service is up", "stopped", "internal error", "call"] {
        assert!(log.iter().any(|line| line["message"] == text), "{text}");
    }
}

/// Has a caller send line breaks, and commands for a terminal, wherever it can.
pub(crate) fn forged_lines() {
    const FORGED: &str = "x\n2026-11-29T10:15:00.000000Z ERROR forged\r\u{1b}[2J\u{85}\u{2028}forged";
    for format in ["text", "json"] {
        let program = Program::with_role("chatty", &["--port", "0", "--log-format", format, "--access-log"]);
        let program = program.env("RUST_LOG", "trace").start();
        let text = serde_json::Value::from(FORGED).to_string();
        let quotes = call("quote", &format!("[{text}]"));
        post(&program, &[], &quotes.replace(r#","id":1"#, ""));
        post(&program, &[], &quotes.replace(r#""id":1"#, &format!(r#""id":{text}"#)));
        post(&program, &[], &call("quote_inside", &format!("[{text}]")));
        post(&program, &[], &call("say", "[]").replace(r#""say""#, &text));
        post(&program, &[("X-Api-Token", "x\u{85}y")], &call("whisper", "[]"));
        // A value may go on in the next line, which begins with a space. No server has to take it.
        for name in ["X-Request-Id", "Host", "X-Forwarded-For", "traceparent", "Origin"] {
            let mut connection = Connection::open(program.address());
            connection.send_request("POST", "/api", &[(name, "x\r\n 2026-11-29T10:15:00.000000Z")], &quotes);
            assert!(!connection.read_response().body.contains("result"), "{name}");
        }
        let mut socket = WebSocket::open(program.address());
        let params = json!({ "text": FORGED, "_meta": { "requestId": FORGED, "timeoutMs": 100, "chain": FORGED } });
        assert_eq!(socket.error_code("quote", params), 8);
        socket.close();

        let log = log_of(program);
        if format == "json" {
            assert!(objects(&log).iter().any(|line| line["cause"] == FORGED), "{log}");
        } else {
            assert!(log.contains(r"cause=x\n2026") && log.contains(r"error=x\n2026"), "{log}");
        }
        for line in log.split(['\n', '\u{85}', '\u{2028}']).filter(|line| !line.is_empty()) {
            assert!(line.starts_with("20") || line.starts_with("{\"time\":\"20"), "{line:?} of {log}");
            assert!(!line.starts_with("2026-11-29T10:15:00.000000Z"), "{log}");
            assert!(!line.contains(|character: char| character.is_control()), "{line:?}");
        }
    }
}

pub(crate) fn start_errors() {
    for (args, variable, json) in [
        (&["--log-format", "json", "--body-limit", "none"][..], None, true),
        (&["--log-format=json", "--port", "0", "--templates", "there/is/none"], None, true),
        (&["--body-limit", "none"], Some("json"), true),
        (&["--body-limit", "none", "--log-format", "text"], Some("json"), false),
        (&["--body-limit", "none"], None, false),
        (&["--log-format", "xml"], None, false),
    ] {
        let program = Program::with_role("greeter", args);
        let program = if let Some(format) = variable { program.env("CALLBOX_LOG_FORMAT", format) } else { program };
        let ended = program.run();
        assert_eq!(ended.status.code(), Some(1), "{args:?}");
        // Rust itself writes the last line, whatever the format: `main` returns the error.
        let (last, before) = {
            let mut all: Vec<_> = ended.log.lines().collect();
            (all.pop().expect("a line"), all)
        };
        let error = last.strip_prefix("Error: ").unwrap_or_else(|| panic!("{}", ended.log));
        if json {
            let log = objects(&(before.join("\n") + "\n"));
            let reported = log.last().unwrap_or_else(|| panic!("{args:?}: {}", ended.log));
            assert_eq!((&reported["message"], &reported["level"]), (&Value::from(error), &Value::from("ERROR")));
        } else {
            assert!(before.is_empty(), "{args:?}: {}", ended.log);
        }
    }
}

pub(crate) fn no_effect() {
    let own = |args: &[&str]| Program::with_role("own log", &[&["--port", "0"], args].concat());
    for (program, warns) in [(own(&["--log-format", "json"]), true), (own(&[]), false)] {
        let log = log_of(program.start());
        let warns_of_it = |line: &&&str| line.contains("this log format has no effect") && line.contains("json");
        assert_eq!(lines(&log, "WARN").iter().filter(warns_of_it).count(), usize::from(warns), "{log}");
    }
}
