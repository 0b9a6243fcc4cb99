//! Large parameters, which are not parsed before they are read: invalid JSON in them outweighs any
//! other mistake.

use callbox_test_cases::wire::without_reasons;
use callbox_test_support::http::request;

use crate::calculator::{call, direct, error, notification, result, start};

fn padded(params: &str) -> String {
    let (bracket, rest) = params.split_at(1);
    format!("{bracket}{}{rest}", " ".repeat(2000))
}

#[test]
fn a_body_that_is_no_json_is_a_parse_error_whatever_becomes_of_its_call() {
    let (calculator, _) = direct();
    for (method, params, expected) in [
        ("add", "[1,2]", result("3", "1")),
        ("add", r#"{"a":1,"b":2}"#, result("3", "1")),
        ("add_up", "[5]", result("5", "1")),
        ("divide", "[6,3]", result("2", "1")),
        ("wait", "[1]", result("1", "1")),
        ("no_such", "[1]", error(-32601, "1")),
        ("secret", "[1]", error(-32001, "1")),
        ("nothing", "[]", result("null", "1")),
    ] {
        let good = call(method, &padded(params), "1");
        assert_eq!(calculator.post(&good), Some(expected), "{method}");
        let closing = &params[params.len() - 1..];
        for mistake in [",", "}", "]", "nul", "\u{1}", "\\", "\""] {
            let bad = padded(params).replace(closing, &format!("{mistake}{closing}"));
            let respond = |body| calculator.post(body).map(|answer| without_reasons(&answer));
            let expected = Some(error(-32700, "null"));
            assert_eq!(respond(call(method, &bad, "1")), expected, "{method} {mistake:?}");
            assert_eq!(respond(notification(method, &bad)), expected, "{method} {mistake:?}");
        }
    }
    assert_eq!(calculator.post(call("add_up", "[0]", "1")), Some(result("5", "1")), "none of them ran");
}

#[test]
fn each_dialect_has_its_own_error_for_invalid_json() {
    let calculator = start();
    for path in ["/api", "/api/py", "/api/v0"] {
        let respond = |params: &str| {
            let answer = request(calculator.server.address(), "POST", path, &[], call("add", params, "1"));
            (answer.status, answer.body)
        };
        let (status, answer) = respond(&padded("[1,2,]"));
        // The blanks move the mistake.
        assert_eq!((status, answer.replace("column 2047", "column 47")), respond("[1,2,]"), "{path}");
        assert_eq!(respond(&padded(r#"[1,"2"]"#)), respond(r#"[1,"2"]"#), "{path}");
        assert_eq!(respond(&padded("[1,2]")), respond("[1,2]"), "{path}");
    }
}
