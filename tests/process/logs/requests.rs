//! The requests behind lines of the log: their ids, and the access log.

use callbox_test_support::event_stream::EventStream;
use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{WebSocket, handshake};
use serde_json::{Value, json};

use crate::logs::{call, lines, log_of, post};

const TOKEN: (&str, &str) = ("X-Api-Token", GOOD_TOKEN);

/// Methods that write a line of their own: where each transport thread, the service's thread, and
/// the pool runs them.
const CHATTY: [&str; 8] =
    ["say", "say_at_home", "change", "say_later", "change_later", "compute", "whisper", "ask_deep"];

fn chatty(args: &[&str]) -> RunningProgram {
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
fn access(log: &str) -> Vec<Value> {
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

pub(crate) fn one_line_each() {
    let program =
        chatty(&["--access-log", "--log-format", "json", "--error-status", "mapped", "--body-limit", "20KiB"]);
    let id = ("X-Request-Id", "7f3a");
    let uuid = r#""6a0d1f0e-7a5b-4c8e-9a57-3f0c1a1d2e3f""#;
    let with_id = |id: &str| call("say", "[]").replace(r#""id":1"#, &format!(r#""id":{id}"#));
    let notification = r#"{"jsonrpc":"2.0","method":"say"}"#;
    let many = format!("[{}]", vec![call("say", "[]"); 37].join(","));
    let mixed = format!("[{},{},3]", call("say", "[]"), call("nobody", "[]"));
    let ten = ["say"; 10].join(",");
    let table: [(String, Value); 13] = [
        (call("say", "[]"), json!({"method": "say", "rpc_id": "1", "status": 200})),
        (with_id(uuid), json!({"method": "say", "rpc_id": uuid.trim_matches('"'), "status": 200})),
        (with_id(&format!("\"{}\"", "x".repeat(39))), json!({"method": "say", "status": 200})),
        (with_id(r#""a\nb""#), json!({"method": "say", "status": 200})),
        (notification.to_owned(), json!({"method": "say", "status": 204})),
        (call("refuse", "[]"), json!({"method": "refuse", "rpc_id": "1", "status": 500, "code": 7})),
        (call("whisper", "[]"), json!({"method": "whisper", "rpc_id": "1", "status": 401, "code": -32001})),
        (call("nobody", "[]"), json!({"method": "_OTHER", "rpc_id": "1", "status": 404, "code": -32601})),
        (call("never", "[]"), json!({"method": "never", "rpc_id": "1", "status": 504, "code": -32002})),
        ("{".to_owned(), json!({"status": 400, "code": -32700})),
        (mixed, json!({"methods": "say,_OTHER,_OTHER", "calls": 3, "status": 200})),
        (many, json!({"methods": ten, "calls": 37, "status": 200})),
        ("x".repeat(30_000), json!({"status": 413})),
    ];
    let mut expected = Vec::new();
    for (body, fields) in &table {
        let response = post(&program, &[id], body);
        let mut fields = fields.clone();
        fields["bytes_in"] = if body.len() > 20_480 { 0.into() } else { body.len().into() };
        fields["bytes_out"] = response.body.len().into();
        assert_eq!(fields["status"], response.status, "{body:?}: {response:?}");
        expected.push(fields);
    }
    let other = request(program.address(), "GET", "/api", &[id], "");
    expected.push(json!({"status": other.status, "bytes_in": 0, "bytes_out": other.body.len()}));
    // Not an endpoint.
    request(program.address(), "GET", "/health/ready", &[id], "");
    let log = log_of(program);
    let logged = access(&log);
    assert_eq!(logged.len(), expected.len(), "{log}");
    for (mut line, mut fields) in logged.into_iter().zip(expected) {
        let line = line.as_object_mut().expect("an object");
        for (name, value) in [("level", "INFO"), ("target", "callbox::access"), ("message", "request")] {
            fields[name] = value.into();
        }
        for (name, value) in [("peer", "127.0.0.1"), ("transport", "http"), ("request_id", "7f3a")] {
            fields[name] = value.into();
        }
        assert!(line.remove("time").is_some());
        let duration = line.remove("duration_us").and_then(|time| time.as_u64());
        let least = if fields["method"] == "never" { 20_000 } else { 1 };
        assert!(duration.is_some_and(|time| time >= least), "{duration:?}: {line:?}");
        let [wait, run] = ["wait_us", "run_us"].map(|name| line.remove(name).and_then(|time| time.as_u64()));
        let has_run = !matches!(fields["method"].as_str(), None | Some("whisper" | "_OTHER"));
        let has_run = has_run || fields.get("methods").is_some();
        // A notification may run after its response.
        let has_run = if fields["status"] == 204 { run.is_some() } else { has_run };
        assert_eq!((wait.is_some(), run.is_some()), (has_run, has_run), "{wait:?} {run:?} {line:?}");
        // The longest wait of a batch may be that of another member than the longest run.
        let both = if fields.get("methods").is_some() { wait.max(run) } else { wait.zip(run).map(|(a, b)| a + b) };
        assert!(both.unwrap_or(0) <= duration.unwrap_or(0), "{wait:?} {run:?} {duration:?} {line:?}");
        assert!(fields["method"] != "never" || run.is_some_and(|time| time >= 15_000), "{run:?}: {line:?}");
        assert_eq!(Value::from(line.clone()), fields);
    }
}

pub(crate) fn other_transports() {
    let program = chatty(&["--access-log", "--log-format", "json"]);
    let mut socket = WebSocket::open_with(program.address(), &[("X-Request-Id", "of-the-socket")]);
    assert_eq!(socket.error_code("refuse", json!([])), 7);
    assert_eq!(socket.error_code("refuse", json!({ "_meta": { "requestId": "of-the-call" } })), 7);
    socket.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":9}}"#);
    socket.send(r#"[{"jsonrpc":"2.0","method":"say","id":1},{"jsonrpc":"2.0","method":"say"}]"#);
    socket.message();
    socket.close();
    let events = EventStream::open(program.address(), &[("X-Request-Id", "of-the-events")], call("say", "[]"));
    assert_eq!(events.response.header("x-request-id"), Some("of-the-events"));
    let log = log_of(program);
    let lines = access(&log);
    let facts: Vec<_> = lines
        .iter()
        .map(|line| {
            // Each message has times of its own.
            assert_eq!(line.get("run_us").is_some(), line["status"] != 101, "{line}");
            ["transport", "request_id", "status", "method", "methods", "code"]
                .map(|name| line[name].as_str().map_or_else(|| line[name].to_string(), str::to_owned))
                .join(" ")
        })
        .collect();
    let expected = [
        "http of-the-socket 101 null null null",
        "websocket of-the-socket null refuse null 7",
        "websocket of-the-call null refuse null 7",
        "websocket of-the-socket null null say,say null",
        "http of-the-events 200 say null null",
    ];
    assert_eq!(facts, expected, "{log}");
    let of_socket = objects(&log);
    let said: Vec<_> = of_socket.iter().filter(|line| line["message"] == "a line of say").collect();
    assert_eq!(said.len(), 3, "{log}");
    assert!(said[..2].iter().all(|line| line["request_id"] == "of-the-socket"), "{said:?}");
}

pub(crate) fn behind_proxies() {
    const PROXY: [u8; 4] = [127, 0, 0, 2];
    const STRANGER: [u8; 4] = [127, 0, 0, 3];
    let program = chatty(&["--access-log", "--log-format", "json", "--trusted-proxies", "127.0.0.2,10.0.0.0/8"]);
    // The left entry of a list is what the client has sent itself.
    let by_list = ("X-Forwarded-For", "192.0.2.1, 203.0.113.7, 10.1.2.3");
    let by_pairs = ("Forwarded", "for=192.0.2.1, for=\"[2001:db8::7]:4711\";proto=https");
    let mut peers = Vec::new();
    for (from, header, peer) in [
        (PROXY, by_list, "203.0.113.7"),
        (PROXY, by_pairs, "2001:db8::7"),
        (PROXY, ("X-Forwarded-For", "unknown"), "127.0.0.2"),
        (PROXY, ("X-Other", "203.0.113.7"), "127.0.0.2"),
        (STRANGER, by_list, "127.0.0.3"),
        (STRANGER, by_pairs, "127.0.0.3"),
    ] {
        let mut connection = Connection::open_from(from, program.address());
        connection.send_request("POST", "/api", &[header], call("say", "[]"));
        assert_eq!(connection.read_response().status, 200);
        peers.push(peer);
        // The request that opens a WebSocket has a line, and each of its messages.
        connection.send(handshake(&[header]));
        let mut socket = WebSocket::accepted(connection);
        socket.result("say", json!([]));
        socket.close();
        peers.extend([peer; 2]);
    }
    let log = log_of(program);
    let logged: Vec<_> = access(&log).iter().map(|line| line["peer"].clone()).collect();
    assert_eq!(logged, peers, "{log}");
}

pub(crate) fn abandoned() {
    let mut program = chatty(&["--access-log", "--log-format", "json"]);
    let mut connection = Connection::open(program.address());
    connection.send_request("POST", "/api", &[("X-Request-Id", "7f3a")], call("endless", "[]"));
    until("it runs", || {
        let metrics = request(program.address(), "GET", "/metrics", &[TOKEN], "").body;
        metrics.contains(r#"callbox_in_flight{service="test.chatty",method="endless"} 1"#)
    });
    drop(connection);
    let line: Value = serde_json::from_str(&program.wait_for_line("callbox::access")).expect("an object");
    let expected = json!({"abandoned": true, "method": "endless", "request_id": "7f3a", "rpc_id": "1"});
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&line[name], value, "{name}: {line}");
    }
    assert!(line.get("status").is_none() && line.get("bytes_out").is_none(), "{line}");
}

pub(crate) fn without_effect() {
    for (args, warns) in [
        (&["--access-log", "--log", "warn"][..], true),
        (&["--access-log", "--log", "warn,callbox::access=info"], false),
        (&["--access-log"], false),
    ] {
        let mut program = Program::with_role("chatty", &[&["--port", "0"], args].concat()).spawn();
        if warns {
            let line = program.wait_for_line("the access log has no effect");
            assert!(line.contains("flag --access-log") && line.contains("callbox::access=info"), "{line}");
        } else if args.len() == 1 {
            program.wait_for_line("listening");
            let log = log_of(program);
            assert!(lines(&log, "WARN").is_empty(), "{log}");
        }
    }
}
