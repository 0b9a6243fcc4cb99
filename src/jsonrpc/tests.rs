//! The rules of the wire, one row each, and properties that hold for whatever is sent.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::*;

/// The defaults of the settings.
const LIMITS: Limits = Limits { members: 100, depth: 127, id: 4096 };

/// What a server would answer whose every method returns its own name. None: nothing.
fn answer(body: impl AsRef<[u8]>) -> Option<String> {
    let dialect = Dialect::Jsonrpc;
    let mut out = Vec::new();
    match parse(body.as_ref(), &LIMITS) {
        Err(error) => dialect.error(&mut out, Id::NULL, &error),
        Ok(Envelope::Single(member)) => {
            let (id, outcome) = run(member)?;
            dialect.answer(&mut out, id, outcome.as_deref());
        }
        Ok(Envelope::Batch(members)) => {
            let mut batch = BatchWriter::new(dialect);
            for (id, outcome) in members.into_iter().filter_map(run) {
                batch.push(id, outcome.as_deref());
            }
            out = batch.finish()?;
        }
    }
    Some(String::from_utf8(out).unwrap())
}

fn run(member: Member<'_>) -> Option<(Id<'_>, Result<Vec<u8>, RpcError>)> {
    match member {
        Ok(request) => Some((request.id?, Ok(serde_json::to_vec(&request.method).unwrap()))),
        Err(invalid) => Some((invalid.id, Err(invalid.error()))),
    }
}

fn error(code: i32, id: &str) -> String {
    let message = if code == code::PARSE_ERROR { "Parse error" } else { "Invalid Request" };
    format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{id}}}"#)
}

fn success(method: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":"{method}","id":{id}}}"#)
}

#[test]
fn an_id_comes_back_as_it_was_sent() {
    let long = format!("\"{}\"", "x".repeat(4094));
    for id in [
        "-1",
        "0",
        "1.0",
        "1.5",
        "1e2",
        "1E+2",
        "1e400",
        "-0",
        "-0.0",
        "18446744073709551616",
        "123456789012345678901234567890",
        "null",
        r#""""#,
        r#""A""#,
        r#""\u0041""#,
        r#""\ud800""#,
        r#""\"id\":\\""#,
        r#""ключ 🔑""#,
        &long,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"m","id": {id} }}"#);
        assert_eq!(answer(&body), Some(success("m", id)));
        let broken = format!(r#"{{"id":{id},"jsonrpc":"2.0","method":5}}"#);
        assert_eq!(answer(&broken), Some(error(-32600, id)));
    }
}

#[test]
fn what_is_no_id_is_not_echoed() {
    for id in ["true", "false", "{}", "[]", "[1]", &format!("\"{}\"", "x".repeat(4095)), &"1".repeat(4097)] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"m","id":{id}}}"#);
        assert_eq!(answer(&body), Some(error(-32600, "null")), "{id}");
    }
}

#[test]
fn only_a_missing_id_makes_a_notification() {
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"m"}"#), None);
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"m","params":[1]}"#), None);
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"m","ID":1}"#), None, "names are told apart by case");
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"m","id":null}"#), Some(success("m", "null")));
}

#[test]
fn a_valid_request_may_be_written_in_many_ways() {
    for body in [
        r#"{"jsonrpc":"2.0","method":"m","id":1}"#,
        r#"{"id":1,"params":{},"method":"m","jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"\u0032.0","\u006dethod":"\u006d","id":1}"#,
        r#"{"jsonrpc":"2.0","method":"m","id":1,"params":null}"#,
        r#"{"jsonrpc":"2.0","method":"m","id":1,"params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"m","id":1,"params":[1e400,"\ud800"]}"#,
        r#"{"jsonrpc":"2.0","method":"m","id":1,"unknown":{"id":2,"method":3},"x":1e400,"y":"\ud800"}"#,
        r#"{"jsonrpc":"2.0","method":"m","id":1,"Method":1,"":2,"other":3,"other":4}"#,
        &format!("{0}{{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}}{0}", " \t\r\n".repeat(10_000)),
    ] {
        assert_eq!(answer(body), Some(success("m", "1")), "{body}");
    }
    assert_eq!(answer(r#"{"jsonrpc":"2.0","method":"","id":1}"#), Some(success("", "1")), "an empty name is a name");
}

#[test]
fn what_is_no_request_object_is_an_invalid_request() {
    for (body, id) in [
        ("{}", "null"),
        (r#"{"foo":"boo"}"#, "null"),
        ("1", "null"),
        ("1e400", "null"),
        ("null", "null"),
        (r#""x""#, "null"),
        (r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, "null"),
        (r#"{"jsonrpc":"2.0","id":5}"#, "5"),
        (r#"{"method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":"1.0","method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0 ","method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":2.0,"method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":null,"method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":["2.0"],"method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":"1.0","method":"m"}"#, "null"),
        (r#"{"jsonrpc":"2.0","Method":"m","id":1}"#, "1"),
        (r#"{"JSONRPC":"2.0","method":"m","id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":null,"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":["m"],"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":"\ud800","id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","result":1,"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":"m","params":"bar","id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":"m","params":5,"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":"m","params":true,"id":1}"#, "1"),
        (r#"{"jsonrpc":"2.0","method":"m","params":"bar"}"#, "null"),
    ] {
        assert_eq!(answer(body), Some(error(-32600, id)), "{body}");
    }
}

#[test]
fn a_member_that_stands_twice_makes_the_request_invalid() {
    let members = [r#""jsonrpc":"2.0""#, r#""method":"m""#, r#""params":[]"#, r#""id":1"#];
    for repeated in members.into_iter().chain([r#""\u006dethod":"m""#]) {
        let body = format!("{{{},{repeated}}}", members.join(","));
        assert_eq!(answer(&body), Some(error(-32600, "null")), "{body}");
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let call = r#"{"jsonrpc":"2.0","method":"m","id":1}"#;
    let with_params = |params| format!(r#"{{"jsonrpc":"2.0","method":"m","params":{params},"id":1}}"#);
    for body in [
        "".to_owned(),
        " \r\n\t".to_owned(),
        r#"{"a":"#.to_owned(),
        format!("{call} x"),
        format!("{call}{call}"),
        format!("{call},"),
        format!("\u{feff}{call}"),
        format!("\u{c}{call}"),
        "NaN".to_owned(),
        "nul".to_owned(),
        "{'a':1}".to_owned(),
        "{a:1}".to_owned(),
        "// {}".to_owned(),
        with_params("NaN"),
        with_params("[01]"),
        with_params("[1,]"),
        with_params("[.5]"),
        with_params("[+1]"),
        with_params(r#"{"a":1,}"#),
        with_params("[\"\n\"]"),
        with_params(r#"["\x"]"#),
        r#"{"jsonrpc":"2.0","method":"m","id":01}"#.to_owned(),
        r#"{"id":1,"id":2,"x":NaN}"#.to_owned(),
        format!("[{call}"),
        format!("[{call},]"),
        format!("[{call}] x"),
        "[1,2".to_owned(),
        "]".to_owned(),
    ] {
        assert_eq!(answer(&body), Some(error(-32700, "null")), "{body}");
    }
    for body in [&b"\xff"[..], b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\",\"id\":1}", b"[\"\xed\xa0\x80\"]"] {
        assert_eq!(answer(body), Some(error(-32700, "null")), "{body:?}");
    }
}

#[test]
fn a_request_nests_127_levels_and_no_more() {
    // The request object is one of the levels.
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    for place in ["params", "id", "unknown", "jsonrpc"] {
        let call =
            |levels| format!(r#"{{"{place}":{},"a":"[[{{","b":"{}"}}"#, nested(levels), "[".repeat(200)).into_bytes();
        let in_batch = |levels| [b"[", &call(levels)[..], b",1]"].concat();
        assert!(matches!(parse(&call(127), &LIMITS), Ok(Envelope::Single(_))), "{place}");
        assert!(matches!(parse(&in_batch(127), &LIMITS), Ok(Envelope::Batch(_))), "{place}");
        assert_eq!(parse(&call(128), &LIMITS).unwrap_err(), RpcError::parse_error(), "{place}");
        assert_eq!(parse(&in_batch(128), &LIMITS).unwrap_err(), RpcError::parse_error(), "{place}");
    }
    for open in ["[", r#"{"a":"#] {
        assert_eq!(answer(open.repeat(1_000_000)), Some(error(-32700, "null")));
    }
}

#[test]
fn a_batch_is_answered_in_order_without_its_notifications() {
    let batch = |answers: &[String]| Some(format!("[{}]", answers.join(",")));
    let invalid = || error(-32600, "null");
    let call = |id| format!(r#"{{"jsonrpc":"2.0","method":"m","id":{id}}}"#);
    let notification = r#"{"jsonrpc":"2.0","method":"m"}"#;

    assert_eq!(answer("[]"), Some(invalid()));
    assert_eq!(answer(" [ ] "), Some(invalid()));
    assert_eq!(answer("[1]"), batch(&[invalid()]));
    assert_eq!(answer("[1,2,3]"), batch(&[invalid(), invalid(), invalid()]));
    assert_eq!(answer("[[],[[]],{}]"), batch(&[invalid(), invalid(), invalid()]));
    assert_eq!(answer(r#"[1e400,"\ud800",null]"#), batch(&[invalid(), invalid(), invalid()]));
    assert_eq!(answer(r#"[["2.0","m",[],1]]"#), batch(&[invalid()]), "an array is no object in another form");
    assert_eq!(answer(format!("[[{}]]", call(1))), batch(&[invalid()]), "a batch in a batch is one invalid member");
    assert_eq!(
        answer(format!(r#"[{},{{"id":"x"}},{notification},{}]"#, call(2), call(2))),
        batch(&[success("m", "2"), error(-32600, r#""x""#), success("m", "2")]),
        "equal ids are all answered"
    );
    assert_eq!(answer(format!("[{notification},{notification}]")), None);
    assert_eq!(answer(format!("[{}]", call(1))), batch(&[success("m", "1")]), "one member is a batch, too");
}

#[test]
fn a_batch_has_a_limited_number_of_members() {
    let batch = |members: usize, end: &str| format!("[{}{end}", vec!["1"; members].join(","));
    assert!(matches!(parse(batch(100, "]").as_bytes(), &LIMITS), Ok(Envelope::Batch(members)) if members.len() == 100));
    assert_eq!(answer(batch(101, "]")), Some(error(-32600, "null")));
    assert_eq!(answer(batch(5_000_000, "]")), Some(error(-32600, "null")));
    assert_eq!(answer(batch(101, "")), Some(error(-32700, "null")), "a broken batch is broken first of all");
    assert_eq!(answer(batch(101, ",]")), Some(error(-32700, "null")));
    assert_eq!(answer(batch(101, "] x")), Some(error(-32700, "null")));
}

#[test]
fn a_call_is_borrowed_from_the_body() {
    let body = br#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;
    let Ok(Envelope::Single(Ok(request))) = parse(body, &LIMITS) else { panic!("a valid call") };
    assert!(matches!(request.method, std::borrow::Cow::Borrowed("say_hello")));
    assert_eq!(request.params.map(RawValue::get), Some(r#"{"name":"world"}"#));
    assert_eq!(request.id.map(Id::as_json), Some("1"));
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ]
}

fn any_structure(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    let name = prop_oneof![Just("jsonrpc"), Just("method"), Just("params"), Just("id")].prop_map(str::to_owned);
    let member = (prop_oneof![name, ".*"], inner.clone());
    prop_oneof![
        prop::collection::vec(inner, 0..6).prop_map(Value::from),
        prop::collection::vec(member, 0..6).prop_map(|members| Value::from(Map::from_iter(members))),
    ]
}

fn any_value() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![any_scalar(), any::<bool>().prop_map(Value::from)].prop_recursive(6, 64, 6, any_structure)
}

fn any_call() -> impl Strategy<Value = (String, Value, Value)> {
    (".*", any_structure(any_value()), any_scalar())
}

/// Every answer to anything is one response object or an array of them, with exactly one of result and error.
fn assert_well_formed(answer: &str) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let responses = answer.as_array().map_or_else(|| vec![&answer], |responses| responses.iter().collect());
    assert!(!responses.is_empty());
    for response in responses {
        assert_eq!(response["jsonrpc"], "2.0");
        assert!(response.get("id").is_some());
        assert_ne!(response.get("result").is_some(), response.get("error").is_some());
    }
}

proptest! {
    #[test]
    fn a_call_arrives_as_it_was_meant((method, params, id) in any_call()) {
        let compact = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        for body in [compact.to_string(), serde_json::to_string_pretty(&compact).unwrap()] {
            let Ok(Envelope::Single(Ok(request))) = parse(body.as_bytes(), &LIMITS) else { panic!("{body}") };
            prop_assert_eq!(&*request.method, &method);
            prop_assert_eq!(&serde_json::from_str::<Value>(request.params.unwrap().get()).unwrap(), &params);
            prop_assert_eq!(request.id.unwrap().as_json(), id.to_string());
        }
    }

    #[test]
    fn any_json_gets_a_well_formed_answer_and_is_never_a_parse_error(value in any_value()) {
        let answer = answer(value.to_string());
        prop_assert!(answer.as_ref().is_none_or(|answer| !answer.contains("-32700")));
        if let Some(answer) = answer {
            assert_well_formed(&answer);
        }
    }

    #[test]
    fn any_bytes_get_a_well_formed_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(answer) = answer(bytes) {
            assert_well_formed(&answer);
        }
    }

    #[test]
    fn a_damaged_call_gets_a_well_formed_answer(
        (method, params, id) in any_call(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
        batch in any::<bool>(),
    ) {
        let call = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        let mut body = if batch { json!([call, call]) } else { call }.to_string().into_bytes();
        for (at, byte) in flips {
            let at = at.index(body.len());
            body[at] = byte;
        }
        for body in [&body[..], &body[..end.index(body.len())]] {
            if let Some(answer) = answer(body) {
                assert_well_formed(&answer);
            }
        }
    }

    #[test]
    fn a_body_that_serde_json_cannot_read_is_a_parse_error(text in r#"[\[\]{},:"1e\\ .-]{0,12}"#) {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let answered = answer(&text);
        prop_assert_eq!(answered == Some(error(-32700, "null")), !json, "{}: {:?}", text, answered);
    }
}
