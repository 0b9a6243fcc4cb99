//! The responses in the three dialects.

use std::time::Duration;

use callbox_test_support::http::{Connection, head, request};

use crate::calculator::{batch, call, notification, start, start_with};

const ERROR: &str = r#"{"code":7,"message":"Not by zero","data":1}"#;
const UNKNOWN: &str = r#"{"code":-32601,"message":"Method not found"}"#;
const BROKEN: &str = concat!(
    r#"{"code":-32700,"message":"Parse error","#,
    r#""data":{"reason":"not JSON: EOF while parsing an object at line 1, column 1"}}"#
);

/// The same in each dialect: `result` and `error` write an answer, the others are whole.
struct Shape {
    path: &'static str,
    result: fn(&str, &str) -> String,
    error: fn(&str, &str) -> String,
    notification: (u16, &'static str),
    notifications: (u16, &'static str),
    /// Whether `"id": null` asks for an answer.
    null_is_an_id: bool,
}

const SHAPES: [Shape; 3] = [
    Shape {
        path: "/api",
        result: |result, id| format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#),
        error: |error, id| format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{id}}}"#),
        notification: (204, ""),
        notifications: (204, ""),
        null_is_an_id: true,
    },
    Shape {
        path: "/api/py",
        result: |result, id| format!(r#"{{"error":null,"id":{id},"response":{result}}}"#),
        error: |error, id| format!(r#"{{"error":{error},"id":{id},"response":null}}"#),
        notification: (200, r#"{"error":null,"id":null,"response":"received"}"#),
        notifications: (200, "[]"),
        null_is_an_id: false,
    },
    Shape {
        path: "/api/v0",
        result: |result, id| format!(r#"{{"jsonrpc":"2.0","result":{result},"error":null,"id":{id}}}"#),
        error: |error, id| format!(r#"{{"jsonrpc":"2.0","result":null,"error":{error},"id":{id}}}"#),
        notification: (200, r#"{"jsonrpc":"2.0","result":"received","error":null}"#),
        notifications: (200, "[]"),
        null_is_an_id: false,
    },
];

#[test]
fn each_dialect_writes_each_outcome_in_its_shape() {
    let calculator = start();
    for Shape { path, result, error, notification: quiet, notifications, null_is_an_id } in SHAPES {
        let (three, failed) = (result("3", "1"), error(ERROR, r#""x""#));
        let valid = [call("add", "[1,2]", "1"), notification("add", "[1,2]"), call("divide", "[1,0]", r#""x""#)];
        let null = call("add", "[1,2]", "null");
        let to_null = if null_is_an_id { (200, result("3", "null")) } else { (quiet.0, quiet.1.to_owned()) };
        let cases = [
            ("a result", valid[0].clone(), (200, three.clone())),
            ("no result", call("nothing", "{}", "2"), (200, result("null", "2"))),
            ("an error", valid[2].clone(), (200, failed.clone())),
            ("an unknown method", call("nobody", "{}", "2"), (200, error(UNKNOWN, "2"))),
            ("a broken body", "{".to_owned(), (200, error(BROKEN, "null"))),
            ("a notification", valid[1].clone(), (quiet.0, quiet.1.to_owned())),
            ("a notification that fails", notification("nobody", "{}"), (quiet.0, quiet.1.to_owned())),
            (
                "notifications",
                batch([valid[1].clone(), valid[1].clone()]),
                (notifications.0, notifications.1.to_owned()),
            ),
            ("null as an id", null, to_null),
            ("a batch", batch(valid), (200, batch([three, failed]))),
        ];
        for (name, body, expected) in cases {
            let answer = request(calculator.server.address(), "POST", path, &[], body);
            assert_eq!((answer.status, answer.body), expected, "{name} at {path}");
        }
    }
}

#[test]
fn the_older_dialects_keep_200_for_every_outcome_and_refusals_keep_their_status() {
    let calculator = start_with(|server| {
        server.error_status(callbox::ErrorStatus::Mapped).body_limit(1000).body_timeout(Duration::from_millis(200))
    });
    for Shape { path, error, .. } in SHAPES {
        let answer = request(calculator.server.address(), "POST", path, &[], call("nobody", "[]", "1"));
        let status = if path == "/api" { 404 } else { 200 };
        assert_eq!((answer.status, answer.body), (status, error(UNKNOWN, "1")), "{path}");
        for (status, method, headers, body) in [
            (405, "GET", vec![], String::new()),
            (421, "POST", vec![("Host", "evil.net")], String::new()),
            (403, "POST", vec![("Origin", "http://evil.net")], String::new()),
            (415, "POST", vec![("Content-Type", "text/plain")], String::new()),
            (413, "POST", vec![], "x".repeat(1001)),
            (408, "POST", vec![("Content-Length", "10")], "half".to_owned()),
        ] {
            let answer = if status == 408 {
                let mut connection = Connection::open(calculator.server.address());
                connection.send(head(method, path, &headers) + &body);
                connection.read_response()
            } else {
                request(calculator.server.address(), method, path, &headers, body)
            };
            let body = answer.json();
            assert_eq!((answer.status, &body["error"]["code"]), (status, &(-32600).into()), "{path}: {answer:?}");
            let shape = error(&body["error"].to_string(), "null");
            assert_eq!(body, serde_json::from_str::<serde_json::Value>(&shape).unwrap(), "{path}");
        }
    }
}
