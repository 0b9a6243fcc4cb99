//! The rules for parameters, one row each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

use super::*;
use crate::jsonrpc::{Limits, parse};
use crate::service::{Handler, MethodTable, Service};

struct Nowhere;

impl Service for Nowhere {
    const NAME: &'static str = "nowhere";

    fn methods(_table: &mut impl MethodTable<Self>) {}
}

macro_rules! methods {
    ($($message:ident($($param:literal),*))*) => {$(
        impl Method for $message {
            type Service = Nowhere;
            type Output = ();
            const NAME: &'static str = "m";
            const PARAMS: &'static [&'static str] = &[$($param),*];
            const HANDLER: Handler<Self> = Handler::Read(|_, _, _| Ok(()));
        }
    )*};
}

methods! {
    Add("a", "b")
    Ping()
    Pong()
    Paint("level", "ratio", "type")
    Find("key", "limit", "page")
    Log("level")
    Wrapped("x")
    Keep("value")
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

fn ten() -> u32 {
    10
}

/// The message, written as JSON again, or the data of the error.
fn read_text<M: Method>(params: &str) -> Result<Value, Value> {
    let raw: &RawValue = serde_json::from_str(params).unwrap();
    outcome::<M>(Some(raw))
}

fn outcome<M: Method>(params: Option<&RawValue>) -> Result<Value, Value> {
    match read::<M>(params) {
        Ok(message) => Ok(serde_json::to_value(message).unwrap()),
        Err(error) => {
            assert_eq!((error.code(), error.message()), (-32602, "Invalid params"));
            Err(serde_json::from_str(error.data().unwrap().get()).unwrap())
        }
    }
}

fn blame(param: &str, reason: &str) -> Result<Value, Value> {
    Err(json!({ "param": param, "reason": reason }))
}

#[test]
fn no_parameters_can_be_written_in_four_ways() {
    assert_eq!(outcome::<Ping>(None), Ok(json!({})));
    assert_eq!(outcome::<Pong>(None), Ok(json!(null)));
    assert_eq!(outcome::<Log>(None), blame("level", "missing"));
    for params in ["null", "[]", "{}", "[ ]", "{\n}"] {
        assert_eq!(read_text::<Ping>(params), Ok(json!({})), "{params}");
        assert_eq!(read_text::<Pong>(params), Ok(json!(null)), "{params}");
        assert_eq!(read_text::<Add>(params), blame("a", "missing"), "{params}");
    }
}

#[test]
fn named_and_positional_parameters_make_the_same_message() {
    for params in [r#"{"a":1,"b":-2}"#, r#"{"b":-2,"a":1}"#, r#"{"\u0061":1,"b":-2}"#, "[1,-2]", "[ 1 , -2 ]"] {
        assert_eq!(read_text::<Add>(params), Ok(json!({"a": 1, "b": -2})), "{params}");
    }
    let paint = json!({"level": 1, "ratio": 0.5, "type": {"name": "oil"}});
    assert_eq!(read_text::<Paint>(&paint.to_string()), Ok(paint.clone()));
    assert_eq!(read_text::<Paint>(r#"[1,0.5,{"name":"oil"}]"#), Ok(paint));
    assert_eq!(read_text::<Wrapped>(r#"{"x":1}"#), Ok(json!({"x": 1})));
    assert_eq!(read_text::<Wrapped>("[1]"), Ok(json!({"x": 1})));
}

#[test]
fn optional_parameters_take_their_default() {
    for (params, expected) in [
        (r#"{"key":"k"}"#, json!({"key": "k", "limit": null, "page": 10})),
        (r#"["k"]"#, json!({"key": "k", "limit": null, "page": 10})),
        (r#"["k",null]"#, json!({"key": "k", "limit": null, "page": 10})),
        (r#"["k",null,3]"#, json!({"key": "k", "limit": null, "page": 3})),
        (r#"["k",5]"#, json!({"key": "k", "limit": 5, "page": 10})),
        (r#"{"key":"k","page":3,"limit":null}"#, json!({"key": "k", "limit": null, "page": 3})),
    ] {
        assert_eq!(read_text::<Find>(params), Ok(expected), "{params}");
    }
    assert_eq!(read_text::<Find>(r#"{"page":3}"#), blame("key", "missing"));
}

#[test]
fn a_missing_parameter_is_named() {
    assert_eq!(read_text::<Add>(r#"{"a":1}"#), blame("b", "missing"));
    assert_eq!(read_text::<Add>("[1]"), blame("b", "missing"));
    assert_eq!(read_text::<Paint>("[1,0.5]"), blame("type", "missing"));
}

#[test]
fn too_many_positional_parameters_are_counted() {
    let at_most = |most, given| Err(json!({"reason": format!("expected at most {most}, got {given}")}));
    assert_eq!(read_text::<Add>("[1,2,3]"), at_most(2, 3));
    assert_eq!(read_text::<Add>("[1,2,[3,3],{},null]"), at_most(2, 5));
    assert_eq!(read_text::<Ping>("[1]"), at_most(0, 1));
    assert_eq!(read_text::<Pong>("[null]"), at_most(0, 1));
    assert_eq!(read_text::<Log>("[1,2]"), at_most(1, 2));
}

#[test]
fn an_unknown_name_or_one_given_twice_is_named() {
    assert_eq!(read_text::<Add>(r#"{"a":1,"b":2,"c":3}"#), blame("c", "unknown"));
    assert_eq!(read_text::<Add>(r#"{"A":1,"b":2}"#), blame("A", "unknown"));
    assert_eq!(read_text::<Ping>(r#"{"":1}"#), blame("", "unknown"));
    assert_eq!(read_text::<Pong>(r#"{"a":1}"#), blame("a", "unknown"));
    assert_eq!(read_text::<Add>(r#"{"a":1,"a":1,"b":2}"#), blame("a", "given twice"));
    assert_eq!(read_text::<Add>(r#"{"a":1,"\u0061":1,"b":2}"#), blame("a", "given twice"));
    assert_eq!(read_text::<Log>(r#"{"level":1,"level":2}"#), blame("level", "given twice"));
    assert_eq!(read_text::<Log>(r#"{"x":1,"level":1,"\u0078":2}"#), blame("x", "given twice"));
}

#[test]
fn a_bad_value_is_put_down_to_its_parameter() {
    for (params, param, reason) in [
        (r#"{"level":256,"ratio":1,"type":{"name":""}}"#, "level", "expected an integer from 0 to 255, got 256"),
        (r#"[256,1,{"name":""}]"#, "level", "expected an integer from 0 to 255, got 256"),
        ("[1.5]", "level", "expected an integer from 0 to 255, got 1.5"),
        ("[null]", "level", "expected an integer from 0 to 255, got null"),
        (r#"{"ratio":1e400}"#, "ratio", "number out of range"),
        ("[1,1e400]", "ratio", "number out of range"),
        (r#"{"type":{"name":5}}"#, "type", "expected a string, got 5"),
        (r#"{"type":{}}"#, "type", "missing field `name`"),
        (r#"[1,1,{"name":"a","name":"b"}]"#, "type", "duplicate field `name`"),
        (r#"{"type":{"name":"\ud800"}}"#, "type", "unexpected end of hex escape"),
    ] {
        assert_eq!(read_text::<Paint>(params), blame(param, reason), "{params}");
    }
    assert_eq!(read_text::<Log>(r#"{"level":"x"}"#), blame("level", r#"expected an integer from 0 to 255, got "x""#));
    assert_eq!(read_text::<Log>(r#"{"level":1,"x":1e400}"#), blame("x", "number out of range"));
}

#[test]
fn the_rest_is_what_no_other_parameter_claims() {
    assert_eq!(read_text::<Log>(r#"{"x":[1],"level":1,"rest":2}"#), Ok(json!({"level": 1, "x": [1], "rest": 2})));
    assert_eq!(read_text::<Log>("[1]"), Ok(json!({"level": 1})));
}

#[test]
fn a_name_that_is_told_back_has_a_bounded_length() {
    let params = json!({ "x".repeat(1_000_000): 1 }).to_string();
    let told = read_text::<Add>(&params).unwrap_err()["param"].as_str().unwrap().len();
    assert!(told < 200, "{told}");
}

#[test]
fn what_nests_as_deep_as_a_request_may_is_read() {
    // The request object and the object or array of the parameters are two of the 127 levels.
    let deep = format!("{}{}", "[".repeat(125), "]".repeat(125));
    for params in [format!("[{deep}]"), format!(r#"{{"value":{deep}}}"#)] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"keep","params":{params},"id":1}}"#);
        const LIMITS: Limits = Limits { members: 1, depth: 127, id: 9 };
        let Ok(crate::jsonrpc::Envelope::Single(Ok(request))) = parse(body.as_bytes(), &LIMITS) else {
            panic!("{body}")
        };
        assert_eq!(outcome::<Keep>(request.params).unwrap()["value"].to_string(), deep);
    }
}

#[test]
fn what_is_written_as_json_is_read_again() {
    let message = Find { key: "ключ \"\\\u{0}".into(), limit: Some(u32::MAX), page: 0 };
    let raw = to_raw_value(&message).unwrap();
    assert_eq!(outcome::<Find>(Some(&raw)), Ok(serde_json::to_value(&message).unwrap()));
}
