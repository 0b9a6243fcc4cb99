//! The reasons with which bodies are rejected: the rule, the limit, and the received value.

use super::{Cases, add, batch, nested};

pub(super) fn add_to(cases: &mut Cases) {
    no_request(cases);
    limits(cases);
    not_json(cases);
}

fn refused(code: i32, reason: &str, id: &str) -> String {
    let message = if code == -32700 { "Parse error" } else { "Invalid Request" };
    let reason = serde_json::Value::from(reason);
    let error = format!(r#"{{"code":{code},"message":"{message}","data":{{"reason":{reason}}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{id}}}"#)
}

fn no_request(cases: &mut Cases) {
    for (body, reason, id) in [
        ("5", "expected a request object, got 5", "null"),
        (" \"x\" ", r#"expected a request object, got "x""#, "null"),
        (r#"{"method":"add","id":1}"#, r#"`jsonrpc` is missing, expected "2.0""#, "1"),
        (r#"{"jsonrpc":"1.0","method":"add","id":1}"#, r#"`jsonrpc`: expected "2.0", got "1.0""#, "1"),
        (r#"{"jsonrpc":2.0,"method":"add","id":1}"#, r#"`jsonrpc`: expected "2.0", got 2.0"#, "1"),
        (r#"{"jsonrpc":["2.0"],"method":"add","id":1}"#, r#"`jsonrpc`: expected "2.0", got an array"#, "1"),
        (r#"{"jsonrpc":"2.0","id":"x"}"#, "`method` is missing, expected a string", r#""x""#),
        (r#"{"jsonrpc":"2.0","Method":"add","id":7}"#, "`method` is missing, expected a string", "7"),
        (r#"{"jsonrpc":"2.0","method":5,"id":7}"#, "`method`: expected a string, got 5", "7"),
        (r#"{"jsonrpc":"2.0","method":"\ud800","id":7}"#, "`method` has an escape that encodes no character", "7"),
        (
            r#"{"jsonrpc":"2.0","method":"add","params":"bar","id":7}"#,
            r#"`params`: expected an object or an array, got "bar""#,
            "7",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"add","id":true}"#,
            "`id`: expected a string, a number or null, got true",
            "null",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"add","id":{"secret":1}}"#,
            "`id`: expected a string, a number or null, got an object",
            "null",
        ),
        (r#"{"jsonrpc":"2.0","method":"add","id":1,"method":"add"}"#, "`method` appears more than once", "null"),
        (r#"{"jsonrpc":"2.0","method":"add","id":1,"\u0069d":1}"#, "`id` appears more than once", "null"),
    ] {
        cases.answered(format!("the reason of {body}"), body, refused(-32600, reason, id));
        cases.answered(format!("the reason of [{body}]"), format!("[{body}]"), batch([refused(-32600, reason, id)]));
    }
    let within = refused(-32600, "expected a request object, got an array", "null");
    cases.answered("the reason of a batch within", "[[1]]", batch([within]));
}

fn limits(cases: &mut Cases) {
    cases.answered(
        "the reason of an empty batch",
        "[ ]",
        refused(-32600, "the batch is empty, expected at least 1 member", "null"),
    );
    let large = batch(vec![add("1"); 101]);
    cases.answered(
        "the reason of 101 members",
        large,
        refused(-32600, "the batch has 101 members, the limit is 100", "null"),
    );
    let id = format!("\"{}\"", "x".repeat(5000));
    cases.answered(
        "the reason of an id of 5,000 letters",
        add(&id),
        refused(-32600, "`id` has 5002 bytes, the limit is 4096", "null"),
    );
    let deep = format!(r#"{{"jsonrpc":"2.0","method":"add","params":{},"id":1}}"#, nested(200));
    let reason = refused(-32700, "objects and arrays nest 200 levels deep, the limit is 127", "null");
    cases.answered("the reason of 200 levels", deep.clone(), reason.clone());
    cases.answered("the reason of 200 levels in a batch", batch([add("1"), deep]), reason.clone());
    cases.answered("the reason of 200 levels of a batch", batch([nested(201)]), reason);
}

fn not_json(cases: &mut Cases) {
    for (body, reason) in [
        (&b""[..], "not JSON: the body is empty"),
        (b" \r\n", "not JSON: the body is empty"),
        (b"{\"a\":", "not JSON: EOF while parsing a value at line 1, column 5"),
        (b"\n\n {\"a\":NaN}", "not JSON: expected value at line 3, column 7"),
        (b" [1,\n2,]", "not JSON: trailing comma at line 2, column 3"),
        (b"[{\"\\ud800\":1}]", "not JSON: unexpected end of hex escape"),
        (b"{} x", "not JSON: trailing characters at line 1, column 4"),
        (b"\xef\xbb\xbf{}", "not JSON: it starts with a byte order mark"),
        (b"{\"a\":\"\xff\"}", "not UTF-8: byte 7 is not valid"),
    ] {
        let name = format!("the reason of {:?}", String::from_utf8_lossy(body));
        cases.answered(name, body, refused(-32700, reason, "null"));
    }
}
