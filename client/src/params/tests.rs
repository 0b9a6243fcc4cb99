//! The rules for parameters, tested on reading alone.

use callbox_test_cases::params::{ParamsCase, cases};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::*;

macro_rules! messages {
    ($($message:ident($($param:literal),*))*) => {$(
        impl Message for $message {
            type Output = ();
            type Error = RpcError;
            const NAME: &'static str = "m";
            const PARAMS: &'static [&'static str] = &[$($param),*];
        }
    )*};
}

messages! {
    Add("a", "b")
    Ping()
    Pong()
    Paint("level", "ratio", "type")
    Find("key", "limit", "page")
    Log("level")
    Wrapped("x")
    Keep("value")
    Transfer("to", "amount", "fee")
    Tune("name")
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Ping {}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Pong;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Paint {
    level: u8,
    ratio: f64,
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Kind {
    name: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Find {
    key: String,
    limit: Option<u32>,
    #[serde(default = "ten")]
    page: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Log {
    level: u8,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Wrapped(Inner);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Inner {
    x: u8,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Keep {
    value: Value,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Transfer {
    to: String,
    amount: u128,
    fee: Option<u128>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Tune {
    name: String,
    #[serde(flatten)]
    rest: Setting,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Setting {
    level: u8,
    gain: Option<f32>,
    id: Option<u128>,
}

fn ten() -> u32 {
    10
}

/// The message, written as JSON again, or the data of the error.
fn outcome<M: Message>(params: Option<&str>) -> Result<Value, Value> {
    match read::<M>(params) {
        Ok(message) => Ok(serde_json::to_value(message).unwrap()),
        Err(error) => {
            assert_eq!((error.code(), error.message()), (-32602, "Invalid params"));
            Err(serde_json::from_str(error.data().unwrap().get()).unwrap())
        }
    }
}

fn read_text<M: Message>(params: &str) -> Result<Value, Value> {
    outcome::<M>(Some(params))
}

#[test]
fn each_case_of_the_rules_for_parameters_makes_its_message_or_is_rejected() {
    for ParamsCase { method, params, message } in cases() {
        let read = match method {
            "ping" => read_text::<Ping>,
            "add" => read_text::<Add>,
            "paint" => read_text::<Paint>,
            "find" => read_text::<Find>,
            "log" => read_text::<Log>,
            "keep" => read_text::<Keep>,
            "transfer" => read_text::<Transfer>,
            "tune" => read_text::<Tune>,
            other => panic!("there is no {other}"),
        };
        assert_eq!(read(&params), message, "{method} {params}");
    }
}

/// serde buffers the values of a flattened field, and its buffer cannot hold 128-bit integers. The
/// messages of the macro do not use `flatten`.
#[test]
fn a_flattened_field_of_a_message_by_hand_cannot_read_128_bit_integers() {
    let reason = "an integer of 128 bits cannot be read here, got 5";
    let invalid = Err(json!({ "param": "id", "reason": reason }));
    assert_eq!(read_text::<Tune>(r#"{"name":"n","id":5,"level":1}"#), invalid);
}

#[test]
fn missing_parameters_are_read_as_an_empty_object() {
    let missing = |param: &str| Err(json!({ "param": param, "reason": "missing" }));
    assert_eq!(outcome::<Ping>(None), Ok(json!({})));
    assert_eq!(outcome::<Pong>(None), Ok(json!(null)));
    assert_eq!(outcome::<Add>(None), missing("a"));
    assert_eq!(outcome::<Log>(None), missing("level"));
}

#[test]
fn messages_of_other_forms_than_a_struct_with_fields_are_read_as_well() {
    for params in ["null", "[]", "{}"] {
        assert_eq!(read_text::<Pong>(params), Ok(json!(null)), "{params}");
    }
    assert_eq!(read_text::<Pong>("[null]"), Err(json!({ "reason": "expected at most 0, got 1" })));
    assert_eq!(read_text::<Pong>(r#"{"a":1}"#), Err(json!({ "param": "a", "reason": "unknown" })));
    assert_eq!(read_text::<Wrapped>(r#"{"x":1}"#), Ok(json!({"x": 1})));
    assert_eq!(read_text::<Wrapped>("[1]"), Ok(json!({"x": 1})));
}

#[test]
fn a_name_in_an_error_has_a_bounded_length() {
    let params = json!({ "x".repeat(1_000_000): 1 }).to_string();
    let length = read_text::<Add>(&params).unwrap_err()["param"].as_str().unwrap().len();
    assert!(length < 200, "{length}");
}

#[test]
fn what_is_written_as_json_is_read_again() {
    let message = Find { key: "ключ \"\\\u{0}".into(), limit: Some(u32::MAX), page: 0 };
    let json = serde_json::to_string(&message).unwrap();
    assert_eq!(outcome::<Find>(Some(&json)), Ok(serde_json::to_value(&message).unwrap()));
}
