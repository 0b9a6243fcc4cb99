//! Ids and envelopes: what is a request, and what its answer is to.

use crate::calculator::{batch, call, error, notification, result, start};

#[test]
fn an_id_is_echoed_as_it_was_sent() {
    let calculator = start();
    let long = format!("\"{}\"", "x".repeat(4094));
    let ids =
        ["-1", "0", "1.5", "1e2", "-0", "18446744073709551616", "null", r#""""#, r#""\u0041""#, r#""ключ""#, &long];
    for id in ids {
        assert_eq!(calculator.answer(call("add", "[1,2]", id)), result("3", id));
        assert_eq!(calculator.answer(call("nobody", "[1,2]", id)), error(-32601, id));
    }
}

#[test]
fn what_is_no_id_makes_the_request_invalid_and_is_not_echoed() {
    let calculator = start();
    let long = format!("\"{}\"", "x".repeat(4095));
    for id in ["true", "false", "{}", "[]", "[1]", &long] {
        assert_eq!(calculator.answer(call("add", "[1,2]", id)), error(-32600, "null"), "{id}");
    }
}

#[test]
fn equal_ids_are_all_answered_in_a_batch_and_over_time() {
    let calculator = start();
    let twice = batch([call("add_up", "[1]", "1"), call("add_up", "[1]", "1")]);
    assert_eq!(calculator.answer(&twice), batch([result("1", "1"), result("2", "1")]));
    assert_eq!(calculator.answer(&twice), batch([result("3", "1"), result("4", "1")]));
}

#[test]
fn only_a_missing_id_makes_a_notification() {
    let calculator = start();
    assert_eq!(calculator.answer(notification("add_up", "[5]")), "");
    assert_eq!(calculator.answer(call("add_up", "[0]", "null")), result("5", "null"), "null is an id");
}

#[test]
fn each_shape_of_a_request_has_its_answer() {
    let calculator = start();
    let three = result("3", "1");
    let invalid = |id| error(-32600, id);
    let space = " \t\r\n".repeat(10_000);
    let cases = [
        ("an empty object", "{}", invalid("null")),
        ("another object", r#"{"foo":"boo"}"#, invalid("null")),
        ("a number", "1", invalid("null")),
        ("null", "null", invalid("null")),
        ("a string", r#""x""#, invalid("null")),
        ("a method that is a number", r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, invalid("null")),
        ("no method", r#"{"jsonrpc":"2.0","id":5}"#, invalid("5")),
        ("no version", r#"{"method":"add","params":[1,2],"id":1}"#, invalid("1")),
        ("an old version", r#"{"jsonrpc":"1.0","method":"add","params":[1,2],"id":1}"#, invalid("1")),
        ("a version that is a number", r#"{"jsonrpc":2.0,"method":"add","params":[1,2],"id":1}"#, invalid("1")),
        ("an escaped version", r#"{"jsonrpc":"\u0032.0","method":"add","params":[1,2],"id":1}"#, three.clone()),
        ("an escaped name", r#"{"jsonrpc":"2.0","\u006dethod":"\u0061dd","params":[1,2],"id":1}"#, three.clone()),
        ("broken, without an id", r#"{"jsonrpc":"1.0","method":"add"}"#, invalid("null")),
        ("more members", r#"{"jsonrpc":"2.0","x":{"id":2},"method":"add","params":[1,2],"id":1}"#, three.clone()),
        ("another case", r#"{"jsonrpc":"2.0","Method":"add","id":1}"#, invalid("1")),
        ("an empty name", r#"{"jsonrpc":"2.0","method":"","id":1}"#, error(-32601, "1")),
        ("an unknown name", r#"{"jsonrpc":"2.0","method":"Add","id":1}"#, error(-32601, "1")),
        ("an unknown name of ours", r#"{"jsonrpc":"2.0","method":"rpc.x","id":1}"#, error(-32601, "1")),
        ("a result", r#"{"jsonrpc":"2.0","result":1,"id":1}"#, invalid("1")),
        ("an error", r#"{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":1}"#, invalid("1")),
        ("space around", &format!("{space}{}{space}", call("add", "[1,2]", "1")), three),
    ];
    for (name, body, expected) in cases {
        assert_eq!(calculator.answer(body), expected, "{name}");
    }
}

#[test]
fn a_member_that_stands_twice_makes_the_request_invalid() {
    let calculator = start();
    let members = [r#""jsonrpc":"2.0""#, r#""method":"add""#, r#""params":[1,2]"#, r#""id":1"#];
    for repeated in members.into_iter().chain([r#""method":"secret""#, r#""\u006dethod":"add""#]) {
        let body = format!("{{{},{repeated}}}", members.join(","));
        assert_eq!(calculator.answer(&body), error(-32600, "null"), "{body}");
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let calculator = start();
    let good = call("add", "[1,2]", "1");
    let cases = [
        ("an empty body", Vec::new()),
        ("a blank body", b" \r\n\t".to_vec()),
        ("half an object", br#"{"a":"#.to_vec()),
        ("more behind", format!("{good} x").into_bytes()),
        ("two requests", format!("{good}{good}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("bytes that are no text", b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}".to_vec()),
        ("NaN", call("add", "[NaN,2]", "1").into_bytes()),
        ("a leading zero", call("add", "[01,2]", "1").into_bytes()),
        ("a trailing comma", call("add", "[1,2,]", "1").into_bytes()),
        ("half a batch", format!("[{good},{good}").into_bytes()),
        ("a batch and more", format!("[{good}] x").into_bytes()),
    ];
    for (name, body) in cases {
        assert_eq!(calculator.answer(body), error(-32700, "null"), "{name}");
    }
}

#[test]
fn a_request_nests_127_levels_and_no_more() {
    let calculator = start();
    // The request object is one of the levels.
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let skipped =
        |levels| format!(r#"{{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1,"x":{}}}"#, nested(levels));
    assert_eq!(calculator.answer(skipped(127)), result("3", "1"));
    assert_eq!(calculator.answer(skipped(128)), error(-32700, "null"));
    let blame = calculator.answer(call("add", &nested(127), "1"));
    assert!(blame.contains("-32602"), "read, and found wrong: {blame}");
    assert_eq!(calculator.answer(call("add", &nested(128), "1")), error(-32700, "null"));
    assert_eq!(calculator.answer(batch([skipped(127)])), batch([result("3", "1")]), "a batch's bracket does not count");
    assert_eq!(calculator.answer(batch([skipped(127), skipped(128)])), error(-32700, "null"));
    assert_eq!(calculator.answer("[".repeat(1_000_000)), error(-32700, "null"));
}
