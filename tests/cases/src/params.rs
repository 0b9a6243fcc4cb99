//! The rules for parameters: each case is a method, its parameters, and the message that they make
//! or the error that they cause.
//!
//! `client/src/params/tests.rs` checks the deserializer alone, and `tests/wire/params.rs` checks
//! whole servers. Both offer these methods, which return their own parameters:
//!
//! | method | parameters |
//! |---|---|
//! | `ping` | |
//! | `add` | `a: i64, b: i64` |
//! | `paint` | `level: u8, ratio: f64, type: { name: String }` |
//! | `find` | `key: String, limit: Option<u32>, page: u32`, which is 10 unless given |
//! | `log` | `level: u8`, and the rest |
//! | `keep` | `value: Value` |
//! | `transfer` | `to: String, amount: u128, fee: Option<u128>` |
//! | `tune` | `name: String`, and the rest: `level: u8, gain: Option<f32>, id: Option<u128>` |

use serde_json::{Value, json};

/// The parameters of a call and what becomes of them.
#[derive(Debug)]
pub struct ParamsCase {
    /// The name of the method that is called.
    pub method: &'static str,
    /// The member `params` of the request, as JSON.
    pub params: String,
    /// The message as JSON, or the `data` of the error -32602.
    pub message: Result<Value, Value>,
}

/// Returns all cases.
pub fn cases() -> Vec<ParamsCase> {
    let mut cases = Vec::new();
    for (method, params, message) in valid() {
        cases.push(ParamsCase { method, params, message: Ok(message) });
    }
    for (method, params, param, reason) in invalid() {
        let data = match param {
            Some(param) => json!({ "param": param, "reason": reason }),
            None => json!({ "reason": reason }),
        };
        cases.push(ParamsCase { method, params, message: Err(data) });
    }
    cases
}

fn valid() -> Vec<(&'static str, String, Value)> {
    let sum = json!({ "a": 1, "b": -2 });
    let oil = json!({ "level": 1, "ratio": 0.5, "type": { "name": "oil" } });
    // The request object and the object or array of the parameters are two of the 127 levels.
    let deep = format!("{}{}", "[".repeat(125), "]".repeat(125));
    let keep = |value: &str| json!({ "value": serde_json::from_str::<Value>(value).expect("a value") });
    let mut cases = vec![
        ("ping", "null", json!({})),
        ("ping", "[]", json!({})),
        ("ping", "{}", json!({})),
        ("ping", "[ ]", json!({})),
        ("ping", "{\n}", json!({})),
        ("add", r#"{"a":1,"b":-2}"#, sum.clone()),
        ("add", r#"{"b":-2,"a":1}"#, sum.clone()),
        ("add", r#"{"\u0061":1,"b":-2}"#, sum.clone()),
        ("add", "[1,-2]", sum.clone()),
        ("add", "[ 1 , -2 ]", sum),
        ("add", "[-9223372036854775808,9223372036854775807]", json!({ "a": i64::MIN, "b": i64::MAX })),
        ("paint", r#"{"type":{"name":"oil"},"level":1,"ratio":0.5}"#, oil.clone()),
        ("paint", r#"[1,0.5,{"name":"oil"}]"#, oil),
        ("paint", r#"[255,3,{"name":"","x":[]}]"#, json!({ "level": 255, "ratio": 3.0, "type": { "name": "" } })),
        ("paint", r#"[0,1e308,{"name":"\u00e4"}]"#, json!({ "level": 0, "ratio": 1e308, "type": { "name": "ä" } })),
        ("find", r#"{"key":"k"}"#, json!({ "key": "k", "limit": null, "page": 10 })),
        ("find", r#"["k"]"#, json!({ "key": "k", "limit": null, "page": 10 })),
        ("find", r#"["k",null]"#, json!({ "key": "k", "limit": null, "page": 10 })),
        ("find", r#"["k",null,3]"#, json!({ "key": "k", "limit": null, "page": 3 })),
        ("find", r#"["k",5]"#, json!({ "key": "k", "limit": 5, "page": 10 })),
        ("find", r#"{"key":"k","page":3,"limit":null}"#, json!({ "key": "k", "limit": null, "page": 3 })),
        ("log", r#"{"x":[1],"level":1,"rest":2,"y":null}"#, json!({ "level": 1, "x": [1], "rest": 2, "y": null })),
        ("log", r#"{"level":1}"#, json!({ "level": 1 })),
        ("log", "[1]", json!({ "level": 1 })),
        ("transfer", r#"["bob",0]"#, json!({ "to": "bob", "amount": 0, "fee": null })),
        ("transfer", r#"["bob", 18446744073709551615 ,1]"#, json!({ "to": "bob", "amount": u64::MAX, "fee": 1 })),
        ("transfer", r#"{"amount":7 ,"to":"bob"}"#, json!({ "to": "bob", "amount": 7, "fee": null })),
        ("tune", r#"{"level":1,"name":"n","gain":0.5}"#, json!({ "name": "n", "level": 1, "gain": 0.5, "id": null })),
        ("keep", "[null]", keep("null")),
        ("keep", r#"{"value":{"value":[]}}"#, keep(r#"{"value":[]}"#)),
    ]
    .into_iter()
    .map(|(method, params, message)| (method, params.to_owned(), message))
    .collect::<Vec<_>>();
    cases.push(("keep", format!("[{deep}]"), keep(&deep)));
    cases.push(("keep", format!(r#"{{"value":{deep}}}"#), keep(&deep)));
    cases
}

fn invalid() -> Vec<(&'static str, String, Option<&'static str>, &'static str)> {
    [
        ("add", "null", Some("a"), "missing"),
        ("add", "[]", Some("a"), "missing"),
        ("add", "{}", Some("a"), "missing"),
        ("add", r#"{"a":1}"#, Some("b"), "missing"),
        ("add", "[1]", Some("b"), "missing"),
        ("paint", "[1,0.5]", Some("type"), "missing"),
        ("find", r#"{"page":3}"#, Some("key"), "missing"),
        ("log", "null", Some("level"), "missing"),
        ("log", r#"{"x":1}"#, Some("level"), "missing"),
        ("ping", "[1]", None, "expected at most 0, got 1"),
        ("ping", "[null]", None, "expected at most 0, got 1"),
        ("add", "[1,2,3]", None, "expected at most 2, got 3"),
        ("add", "[1,2,[3,3],{},null]", None, "expected at most 2, got 5"),
        ("find", r#"["k",1,2,3]"#, None, "expected at most 3, got 4"),
        ("log", "[1,2]", None, "expected at most 1, got 2"),
        ("ping", r#"{"":1}"#, Some(""), "unknown"),
        ("ping", r#"{"x":1}"#, Some("x"), "unknown"),
        ("add", r#"{"a":1,"b":2,"c":3}"#, Some("c"), "unknown"),
        ("add", r#"{"A":1,"b":2}"#, Some("A"), "unknown, and `a` is missing"),
        ("paint", r#"{"kind":{"name":"oil"}}"#, Some("kind"), "unknown, and `level` is missing"),
        ("paint", r#"{"level":1,"ratio":1,"name":"oil"}"#, Some("name"), "unknown, and `type` is missing"),
        ("add", r#"{"a":1,"a":1,"b":2}"#, Some("a"), "given twice"),
        ("add", r#"{"a":1,"\u0061":1,"b":2}"#, Some("a"), "given twice"),
        ("log", r#"{"level":1,"level":2}"#, Some("level"), "given twice"),
        ("log", r#"{"x":1,"level":1,"\u0078":2}"#, Some("x"), "given twice"),
        (
            "paint",
            r#"{"level":256,"ratio":1,"type":{"name":""}}"#,
            Some("level"),
            "expected an integer from 0 to 255, got 256",
        ),
        ("paint", r#"[256,1,{"name":""}]"#, Some("level"), "expected an integer from 0 to 255, got 256"),
        ("paint", r#"{"level":-1}"#, Some("level"), "expected an integer from 0 to 255, got -1"),
        ("paint", "[1.5]", Some("level"), "expected an integer from 0 to 255, got 1.5"),
        ("paint", "[null]", Some("level"), "expected an integer from 0 to 255, got null"),
        ("paint", r#"{"ratio":1e400}"#, Some("ratio"), "expected a number in range, got 1e400"),
        ("paint", "[1,1e400]", Some("ratio"), "expected a number in range, got 1e400"),
        ("paint", "[1e2]", Some("level"), "expected an integer from 0 to 255, got 1e2"),
        ("paint", "[1,null]", Some("ratio"), "expected a number, got null"),
        ("paint", r#"{"type":{"name":5}}"#, Some("type.name"), "expected a string, got 5"),
        ("paint", r#"{"type":{}}"#, Some("type.name"), "missing"),
        ("paint", r#"[1,1,{ }]"#, Some("type.name"), "missing"),
        ("paint", r#"[1,1,{"name":"a","name":"b"}]"#, Some("type.name"), "given twice"),
        ("paint", r#"[1,1,"oil"]"#, Some("type"), r#"expected an object, got "oil""#),
        ("paint", r#"{"type":{"name":"\ud800"}}"#, Some("type.name"), "unexpected end of hex escape"),
        (
            "add",
            r#"["1",2]"#,
            Some("a"),
            r#"expected an integer from -9223372036854775808 to 9223372036854775807, got "1""#,
        ),
        ("log", r#"{"level":"x"}"#, Some("level"), r#"expected an integer from 0 to 255, got "x""#),
        ("log", r#"{"level":1,"x":1e400}"#, Some("x"), "expected a number in range, got 1e400"),
        ("keep", "[1e400]", Some("value"), "expected a number in range, got 1e400"),
        ("transfer", r#"["bob",1e21]"#, Some("amount"), "expected an integer, got 1e21"),
        ("transfer", r#"["bob", 2.5 ]"#, Some("amount"), "expected an integer, got 2.5"),
        ("transfer", r#"["bob",1e21,1]"#, Some("amount"), "expected an integer, got 1e21"),
        ("transfer", r#"["bob",1,1E+2]"#, Some("fee"), "expected an integer, got 1E+2"),
        ("transfer", r#"["bob",0.0]"#, Some("amount"), "expected an integer, got 0.0"),
        ("transfer", r#"["bob",-1]"#, Some("amount"), "expected a number in range, got -1"),
        ("transfer", r#"["bob","1"]"#, Some("amount"), r#"expected an integer, got "1""#),
        ("transfer", r#"["bob",null]"#, Some("amount"), "expected an integer, got null"),
        ("transfer", r#"["bob",[1]]"#, Some("amount"), "expected an integer, got an array"),
        (
            "transfer",
            r#"["bob",340282366920938463463374607431768211456]"#,
            Some("amount"),
            "expected a number in range, got 340282366920938463463374607431768211456",
        ),
        ("transfer", r#"{"to":"bob","amount":1e21}"#, Some("amount"), "expected an integer, got 1e21"),
        ("transfer", r#"{"amount":2.5,"to":"bob"}"#, Some("amount"), "expected an integer, got 2.5"),
        ("transfer", "{\n \"amount\": 1 ,\n \"fee\":1.0e2 }", Some("fee"), "expected an integer, got 1.0e2"),
        ("transfer", r#"{"amount":true}"#, Some("amount"), "expected an integer, got true"),
        ("transfer", r#"{"amount":{}}"#, Some("amount"), "expected an integer, got an object"),
        ("tune", r#"{"name":"n","level":2.5}"#, Some("level"), "expected an integer from 0 to 255, got 2.5"),
        ("tune", r#"{"level":1e2,"name":"n"}"#, Some("level"), "expected an integer from 0 to 255, got 1e2"),
        ("tune", r#"{"name":"n","level":"x","y":1}"#, Some("level"), r#"expected an integer from 0 to 255, got "x""#),
        ("tune", r#"{"gain":1e39,"name":"n","level":1}"#, Some("gain"), "expected a number in range, got 1e39"),
        ("tune", r#"{"name":"n"}"#, Some("level"), "missing"),
    ]
    .into_iter()
    .map(|(method, params, param, reason)| (method, params.to_owned(), param, reason))
    .collect()
}
