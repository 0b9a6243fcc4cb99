//! The rules of the wire, as the parser by itself keeps them.

use std::collections::HashMap;

use callbox_test_cases::wire;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

/// The defaults of the settings.
pub(super) const LIMITS: Limits = Limits { members: 100, depth: 127, id: 4096 };

/// Minimum size of a large call: no call is large.
pub(super) const NONE: usize = usize::MAX;

/// All calls are large.
pub(super) const ALL: usize = 0;

/// Returns what a server with the methods of the cases would answer, or `None` for nothing.
pub(super) fn answer(body: impl AsRef<[u8]>) -> Option<String> {
    answer_within(body, &LIMITS, NONE)
}

/// The same if all calls are large.
pub(super) fn answer_as_large(body: impl AsRef<[u8]>) -> Option<String> {
    answer_within(body, &LIMITS, ALL)
}

fn answer_within(body: impl AsRef<[u8]>, limits: &Limits, large: usize) -> Option<String> {
    let dialect = Dialect::Jsonrpc;
    let mut out = Vec::new();
    match Envelope::parse_with(body.as_ref(), limits, large) {
        Err(error) => dialect.error(&mut out, Id::NULL, &error),
        Ok(Envelope::Single(member)) => single(&member, &mut out)?,
        Ok(Envelope::Batch(members)) => {
            let mut batch = BatchWriter::new(dialect, members.len());
            for (index, member) in members.iter().enumerate() {
                if let Some(id) = id_of(member) {
                    batch.write(index, id, |out| Some(run(member, out)));
                }
            }
            out = batch.finish(|| panic!("none is open"))?;
        }
    }
    Some(String::from_utf8(out).unwrap())
}

fn single(member: &ParsedRequest<'_>, out: &mut Vec<u8>) -> Option<()> {
    let draft = match member {
        Ok(request) => Draft::reply(Dialect::Jsonrpc, request.id?, request, out),
        Err(invalid) => Draft::open(Dialect::Jsonrpc, invalid.id, out),
    };
    let outcome = run(member, out);
    draft.close(out, outcome);
    Some(())
}

fn id_of<'a>(member: &ParsedRequest<'a>) -> Option<Id<'a>> {
    match member {
        Ok(request) => request.id,
        Err(invalid) => Some(invalid.id),
    }
}

/// The methods that the cases call, in the plainest way.
fn run(member: &ParsedRequest<'_>, out: &mut Vec<u8>) -> Result<(), RpcError> {
    let request = member.as_ref().map_err(|invalid| invalid.error())?;
    let params: Value = request.params.map_or(Value::Null, |json| serde_json::from_str(json).unwrap_or_default());
    let number = |name: &str, position: usize| params.get(name).or(params.get(position)).and_then(Value::as_i64);
    let two = |a, b| number(a, 0).zip(number(b, 1)).ok_or_else(|| RpcError::invalid_params(None, "two numbers"));
    let result = match &*request.method {
        "add" => two("a", "b").map(|(a, b)| json!(a.wrapping_add(b)))?,
        "subtract" => two("minuend", "subtrahend").map(|(a, b)| json!(a.wrapping_sub(b)))?,
        "sum" => json!((0..3).filter_map(|position| number("", position)).sum::<i64>()),
        "get_data" => json!(["hello", 5]),
        "update" | "notify_hello" | "notify_sum" => Value::Null,
        _ => return Err(RpcError::method_not_found()),
    };
    ResponseBudget::new(1000).write(out, "m", &result)
}

pub(super) fn error(code: i32, id: &str) -> String {
    let message = if code == code::PARSE_ERROR { "Parse error" } else { "Invalid Request" };
    format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{id}}}"#)
}

#[test]
fn each_case_of_the_wires_rules_has_its_response() {
    let cases = wire::cases();
    assert!(cases.len() > 200, "the cases are there");
    for case in cases {
        case.check(answer(&case.body).as_deref(), "");
        case.check(answer_as_large(&case.body).as_deref(), ", as large");
    }
}

#[test]
fn limits_may_be_lower_than_their_defaults() {
    let limits = Limits { members: 2, depth: 3, id: 5 };
    let call = |id: &str, params: &str| format!(r#"{{"jsonrpc":"2.0","method":"add","params":{params},"id":{id}}}"#);
    let three = |id: &str| format!(r#"{{"jsonrpc":"2.0","result":3,"id":{id}}}"#);
    let one = call("1", "[1,2]");
    for (name, body, expected) in [
        ("an id as long as may be", call(r#""abc""#, "[1,2]"), three(r#""abc""#)),
        ("a longer id", call(r#""abcd""#, "[1,2]"), error(-32600, "null")),
        ("a longer number", call("123456", "[1,2]"), error(-32600, "null")),
        ("as deep as may be", call("1", "[1,2,[]]"), three("1")),
        ("deeper", call("1", "[1,2,[{}]]"), error(-32700, "null")),
        ("brackets in strings", call("1", r#"[1,2,"[[[[["]"#), three("1")),
        ("as many as may be", format!("[{one},{one}]"), format!("[{0},{0}]", three("1"))),
        ("more", format!("[{one},{one},{one}]"), error(-32600, "null")),
    ] {
        for large in [NONE, ALL] {
            let answer = answer_within(&body, &limits, large).map(|answer| wire::without_reasons(&answer));
            assert_eq!(answer, Some(expected.clone()), "{name}: {body}");
        }
    }
}

#[test]
fn a_call_is_borrowed_from_the_body() {
    let body = br#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;
    let Ok(Envelope::Single(Ok(request))) = Envelope::parse(body, &LIMITS) else { panic!("a valid call") };
    assert!(matches!(request.method, std::borrow::Cow::Borrowed("say_hello")));
    assert_eq!(request.params, Some(r#"{"name":"world"}"#));
    assert_eq!(request.id.map(Id::as_json), Some("1"));
}

/// Every response to anything is one response object or an array of them, each with exactly one of
/// result and error. Their values are kept as text: an id may be a valid JSON number that is too
/// large for every type.
pub(super) fn assert_well_formed(answer: &str) {
    let responses: Vec<HashMap<String, &RawValue>> = match answer.starts_with('[') {
        true => serde_json::from_str(answer).unwrap(),
        false => vec![serde_json::from_str(answer).unwrap()],
    };
    assert!(!responses.is_empty());
    for response in responses {
        assert_eq!(response["jsonrpc"].get(), "\"2.0\"");
        assert!(response.contains_key("id"));
        assert_ne!(response.contains_key("result"), response.contains_key("error"));
    }
}

#[test]
fn an_id_that_is_too_large_for_every_number_type_is_echoed_unchanged() {
    let answer = answer(r#"{"jsonrpc":"2.0","method":"any","id":1E0000309}"#).unwrap();
    assert_well_formed(&answer);
    assert!(answer.contains("\"id\":1E0000309"), "{answer}");
}

#[test]
fn large_parameters_are_not_checked_before_they_are_read() {
    let params = format!("[{}1]", r#"{"]":"\"["},"#.repeat(20));
    for body in [
        format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params},"id":7}}"#),
        format!("\n{{ \"id\" : 7 , \"method\":\"m\", \"params\" \t:\r\n {params} , \"jsonrpc\":\"2.0\" }} "),
        format!(r#"{{"params":{params},"id":7,"jsonrpc":"2.0","x":{{"params":[]}},"method":"m"}}"#),
    ] {
        let request = unchecked(&body).unwrap_or_else(|| panic!("{body}"));
        assert_eq!((&*request.method, request.params, request.id.map(Id::as_json)), ("m", Some(&*params), Some("7")));
        let all = body.as_bytes().as_ptr_range();
        for part in [&*request.method, request.params.unwrap(), request.id.unwrap().as_json()] {
            assert!(all.contains(&part.as_ptr()), "{part} is borrowed from the body");
        }
        let failed = RpcError::new(7, "no");
        assert_eq!(refused(&request, failed.clone()), (failed.clone(), body_of("7", &failed)));
        let broken = body.replace("1]", "1,]");
        let request = unchecked(&broken).unwrap_or_else(|| panic!("{broken}"));
        let syntax_error = Envelope::parse_with(broken.as_bytes(), &LIMITS, NONE).unwrap_err();
        assert_eq!(syntax_error.code(), code::PARSE_ERROR);
        assert_eq!(refused(&request, failed), (syntax_error.clone(), body_of("null", &syntax_error)));
    }
}

/// Returns the request in a body, if its parameters have not been checked.
fn unchecked(body: &str) -> Option<RpcRequest<'_>> {
    match Envelope::parse_with(body.as_bytes(), &LIMITS, ALL) {
        Ok(Envelope::Single(Ok(request))) if request.unchecked.is_some() => Some(request),
        _ => None,
    }
}

/// Returns the error of a call that fails, and its response.
fn refused(request: &RpcRequest<'_>, error: RpcError) -> (RpcError, String) {
    let mut out = Vec::new();
    let id = request.id.expect("it has an id");
    let draft = Draft::reply(Dialect::Jsonrpc, id, request, &mut out);
    out.extend_from_slice(b"half of a result");
    let error = draft.close(&mut out, Err(error)).expect("it fails");
    (error, String::from_utf8(out).unwrap())
}

fn body_of(id: &str, error: &RpcError) -> String {
    let mut out = Vec::new();
    Dialect::Jsonrpc.error(&mut out, Id::from_json(id, 9).unwrap(), error);
    String::from_utf8(out).unwrap()
}

#[test]
fn any_doubtful_call_is_read_as_a_whole() {
    let params = format!("[{}1]", "1,".repeat(200));
    for (name, body) in [
        ("a notification", format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params}}}"#)),
        ("no id in some dialects", format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params},"id":null}}"#)),
        ("no version", format!(r#"{{"method":"m","params":{params},"id":7}}"#)),
        ("parameters twice", format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params},"id":7,"params":[]}}"#)),
        ("an escaped name", format!(r#"{{"jsonrpc":"2.0","method":"m","p\u0061rams":{params},"id":7}}"#)),
        (
            "another's parameters",
            format!(r#"{{"x":{{"params":{params}}},"jsonrpc":"2.0","method":"m","params":[],"id":7}}"#),
        ),
        ("a name that ends so", format!(r#"{{"\"params":{params},"jsonrpc":"2.0","method":"m","id":7}}"#)),
        ("small ones", format!(r#"{{"jsonrpc":"2.0","method":"m","params":[1],"id":7,"x":{params}}}"#)),
        ("a text", format!(r#"{{"jsonrpc":"2.0","method":"m","params":"{params}","id":7}}"#)),
        ("without an end", format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params}"#)),
        (
            "too deep",
            format!(r#"{{"jsonrpc":"2.0","method":"m","params":{0}{1},"id":7}}"#, "[".repeat(127), "]".repeat(127)),
        ),
        ("a second value", format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params},"id":7}} 1"#)),
        (
            "its name far behind",
            format!(r#"{{"jsonrpc":"2.0","method":"m","id":7,"x":"{}","params":{params}}}"#, "x".repeat(250)),
        ),
    ] {
        assert!(unchecked(&body).is_none(), "{name}");
        assert_eq!(answer_as_large(&body), answer(&body), "{name}");
    }
}
