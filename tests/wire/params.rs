//! Parameters: what runs, and who is blamed if it does not.

use serde_json::{Value, json};

use crate::calculator::{call, error, notification, result, start};

#[test]
fn parameters_may_come_in_many_forms() {
    let calculator = start();
    let cases = [
        ("nothing", "null", "null"),
        ("nothing", "[]", "null"),
        ("nothing", "{}", "null"),
        ("add", "[1,2]", "3"),
        ("add", r#"{"a":1,"b":2}"#, "3"),
        ("add", r#"{"b":2,"a":1}"#, "3"),
        ("add", r#"{"\u0061":1,"b":2}"#, "3"),
        ("add", "[-9223372036854775808,9223372036854775807]", "-1"),
        ("label", r#"{"text":"x"}"#, r#""nonexx""#),
        ("label", r#"["x"]"#, r#""nonexx""#),
        ("label", r#"["x",null]"#, r#""nonexx""#),
        ("label", r#"["x",null,3]"#, r#""nonexxx""#),
        ("label", r#"{"text":"x","type":null,"times":1}"#, r#""nonex""#),
        ("label", r#"{"text":"x","type":"big "}"#, r#""big xx""#),
        ("byte", "[255]", "255"),
        ("half", "[1e308]", "5e+307"),
        ("half", "[3]", "1.5"),
        ("take_rest", r#"{"first":1}"#, r#"["1"]"#),
        ("take_rest", "[1]", r#"["1"]"#),
        ("take_rest", r#"{"x":[2],"first":1,"y":null}"#, r#"["1","x=[2]","y=null"]"#),
    ];
    for (method, params, expected) in cases {
        assert_eq!(calculator.answer(call(method, params, "1")), result(expected, "1"), "{method} {params}");
    }
    let without = r#"{"jsonrpc":"2.0","method":"nothing","id":1}"#;
    assert_eq!(calculator.answer(without), result("null", "1"), "parameters may be left out");
    let without = r#"{"jsonrpc":"2.0","method":"add","id":1}"#;
    assert!(calculator.answer(without).contains("-32602"), "or rather, they may be if there are none");
}

#[test]
fn parameters_that_are_neither_an_object_nor_an_array_make_the_request_invalid() {
    let calculator = start();
    for method in ["add", "nothing", "nobody", "secret"] {
        for params in [r#""bar""#, "5", "true"] {
            assert_eq!(calculator.answer(call(method, params, "7")), error(-32600, "7"), "{method} {params}");
            let answer = calculator.answer(notification(method, params));
            assert_eq!(answer, error(-32600, "null"), "{method} {params}: no valid notification");
        }
    }
}

#[test]
fn bad_parameters_are_answered_with_a_reason_that_names_the_one_to_blame() {
    let calculator = start();
    let cases = [
        ("add", "[1]", Some("b"), "missing"),
        ("add", r#"{"a":1}"#, Some("b"), "missing"),
        ("add", "null", Some("a"), "missing"),
        ("add", "[1,2,3]", None, "expected at most 2, got 3"),
        ("nothing", "[1]", None, "expected at most 0, got 1"),
        ("add", r#"{"a":1,"b":2,"c":3}"#, Some("c"), "unknown"),
        ("add", r#"{"a":1,"B":2}"#, Some("B"), "unknown"),
        ("label", r#"{"text":"x","kind":"y"}"#, Some("kind"), "unknown"),
        ("nothing", r#"{"x":1}"#, Some("x"), "unknown"),
        ("add", r#"{"a":1,"a":1,"b":2}"#, Some("a"), "given twice"),
        ("take_rest", r#"{"first":1,"x":1,"x":2}"#, Some("x"), "given twice"),
        ("byte", "[256]", Some("value"), "expected an integer from 0 to 255, got 256"),
        ("byte", r#"{"value":-1}"#, Some("value"), "expected an integer from 0 to 255, got -1"),
        ("byte", "[1.5]", Some("value"), "expected an integer from 0 to 255, got 1.5"),
        ("half", "[1e400]", Some("value"), "number out of range"),
        ("half", "[null]", Some("value"), "expected a number, got null"),
        (
            "add",
            r#"["1",2]"#,
            Some("a"),
            r#"expected an integer from -9223372036854775808 to 9223372036854775807, got "1""#,
        ),
    ];
    for (method, params, param, reason) in cases {
        let answer: Value = serde_json::from_str(&calculator.answer(call(method, params, "1"))).unwrap();
        let data = match param {
            Some(param) => json!({ "param": param, "reason": reason }),
            None => json!({ "reason": reason }),
        };
        let expected = json!({ "code": -32602, "message": "Invalid params", "data": data });
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "error": expected, "id": 1 }), "{method} {params}");
    }
}
