//! The access log: one line for each request.

use callbox_test_support::event_stream::EventStream;
use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::Program;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{WebSocket, handshake};
use serde_json::{Value, json};

use super::requests::{TOKEN, access, chatty, objects};
use super::{call, lines, log_of, post};

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
