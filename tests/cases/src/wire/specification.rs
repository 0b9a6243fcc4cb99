//! The examples of the specification of JSON-RPC 2.0, section 7, in its order.

use super::{Cases, batch};

pub(super) fn add_to(cases: &mut Cases) {
    for (name, request, response) in [
        (
            "positional parameters",
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 1}"#,
        ),
        (
            "positional parameters, the other way round",
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
            r#"{"jsonrpc": "2.0", "result": -19, "id": 2}"#,
        ),
        (
            "named parameters",
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 3}"#,
        ),
        (
            "named parameters, in another order",
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 4}"#,
        ),
        (
            "a method that is not there",
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#,
        ),
        (
            "invalid JSON",
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
        ),
        (
            "an invalid request object",
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
        ),
        (
            "a batch of invalid JSON",
            "[\n  {\"jsonrpc\": \"2.0\", \"method\": \"sum\", \"params\": [1,2,4], \"id\": \"1\"},\n  {\"jsonrpc\": \"2.0\", \"method\"\n]",
            r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
        ),
        (
            "an empty array",
            "[]",
            r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
        ),
        (
            "an invalid batch that is not empty",
            "[1]",
            r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
        ),
    ] {
        cases.answered(format!("the specification: {name}"), request, compact(response));
    }
    let invalid = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#;
    cases.answered("the specification: an invalid batch", "[1,2,3]", batch(vec![invalid.to_owned(); 3]));
    for request in [
        r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
        r#"{"jsonrpc": "2.0", "method": "foobar"}"#,
    ] {
        cases.unanswered(format!("the specification: a notification, {request}"), request);
    }
    let mixed = r#"[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]"#;
    let answers = [
        r#"{"jsonrpc": "2.0", "result": 7, "id": "1"}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": "2"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"}"#,
        r#"{"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}"#,
    ];
    cases.answered("the specification: a batch", mixed, batch(answers.map(compact)));
    let notification = r#"[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]"#;
    cases.unanswered("the specification: a batch of notifications", notification);
}

/// The same without the space behind colons and commas.
fn compact(response: &str) -> String {
    response.replace(": ", ":").replace(", ", ",")
}
