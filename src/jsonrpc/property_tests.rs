//! Properties of the parser, which hold for whatever is sent.

use arbtest::arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

use super::tests::{ALL, LIMITS, NONE, answer, answer_as_large, assert_well_formed, error};
use super::*;
use crate::property_tests::{CASES, check, list, text};

fn any_scalar(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=4u8)? {
        0 => Value::Null,
        1 => u.arbitrary::<i64>()?.into(),
        2 => u.arbitrary::<u64>()?.into(),
        3 => u.arbitrary::<f64>()?.into(),
        _ => text(u, 32)?.into(),
    })
}

/// An array or an object, at most this deep.
fn any_structure(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    if u.arbitrary()? {
        return Ok(list(u, 0, 5, |u| any_value(u, depth - 1))?.into());
    }
    let members = list(u, 0, 5, |u| {
        let names = ["jsonrpc", "method", "params", "id"];
        let name = if u.arbitrary()? { (*u.choose(&names)?).to_owned() } else { text(u, 32)? };
        Ok((name, any_value(u, depth - 1)?))
    })?;
    Ok(Map::from_iter(members).into())
}

fn any_value(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    match u.int_in_range(0..=3u8)? {
        0 => Ok(u.arbitrary::<bool>()?.into()),
        1 => any_scalar(u),
        _ if depth == 0 => any_scalar(u),
        _ => any_structure(u, depth),
    }
}

/// A method, its parameters and an id.
fn any_call(u: &mut Unstructured<'_>) -> Result<(String, Value, Value)> {
    Ok((text(u, 32)?, any_structure(u, 7)?, any_scalar(u)?))
}

fn any_request_text(u: &mut Unstructured<'_>) -> Result<String> {
    let others = [r#""jsonrpc":"2.0""#, r#""method":"add""#, r#""id":1"#, r#""params":[1,2]"#, r#""x":{"params":[]}"#];
    let mut members: Vec<String> = others[..3].iter().map(|&member| member.to_owned()).collect();
    for _ in 0..3 {
        members.extend(others[3..].get(u.int_in_range(0..=4usize)?).map(|&member| member.to_owned()));
    }
    // Each of them is missing now and then.
    let mut kept = Vec::new();
    for member in members {
        if !u.ratio(1, 9)? {
            kept.push(member);
        }
    }
    let name = u.choose(&["params", "params", "params", "params", "params", "p\\u0061rams", "\\\"params", "x"])?;
    let params = if u.ratio(3, 4)? { any_structure(u, 7)? } else { any_value(u, 6)? };
    kept.push(format!(r#""{name}": {params}"#));
    for last in (1..kept.len()).rev() {
        kept.swap(last, u.int_in_range(0..=last)?);
    }
    Ok(format!("{{{}}}", kept.join(",")))
}

/// A character that means something in JSON.
fn any_syntax(u: &mut Unstructured<'_>) -> Result<char> {
    let characters = ['[', ']', '{', '}', ',', ':', '"', '1', 'e', '\\', ' ', '.', '-'];
    u.choose(&characters).copied()
}

#[test]
fn large_parameters_get_the_answer_of_small_ones() {
    check(2000, |u| {
        let mut request: Vec<char> = any_request_text(u)?.chars().collect();
        let cut: bool = u.arbitrary()?;
        for _ in 0..u.int_in_range(0..=2u8)? {
            let at = u.choose_index(request.len())?;
            let instead = if u.arbitrary()? { Some(any_syntax(u)?) } else { None };
            request.splice(at..at + usize::from(cut), instead);
        }
        let body: String = request.into_iter().collect();
        assert_eq!(answer_as_large(&body), answer(&body), "{body}");
        Ok(())
    });
}

#[test]
fn a_call_arrives_as_it_was_meant() {
    check(CASES, |u| {
        let (method, params, id) = any_call(u)?;
        let compact = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        for body in [compact.to_string(), serde_json::to_string_pretty(&compact).unwrap()] {
            for large in [NONE, ALL] {
                let parsed = Envelope::parse_with(body.as_bytes(), &LIMITS, large);
                let Ok(Envelope::Single(Ok(request))) = parsed else { panic!("{body}") };
                assert_eq!(request.method, method, "{body}");
                assert_eq!(serde_json::from_str::<Value>(request.params.unwrap()).unwrap(), params, "{body}");
                assert_eq!(request.id.unwrap().as_json(), id.to_string(), "{body}");
            }
        }
        Ok(())
    });
}

#[test]
fn any_json_gets_a_well_formed_answer_and_is_never_a_parse_error() {
    check(CASES, |u| {
        let body = any_value(u, 6)?.to_string();
        if let Some(answer) = answer(&body) {
            assert!(!answer.contains("-32700"), "{body}: {answer}");
            assert_well_formed(&answer);
        }
        Ok(())
    });
}

#[test]
fn any_bytes_get_a_well_formed_answer() {
    check(CASES, |u| {
        if let Some(answer) = answer(list(u, 0, 199, Unstructured::arbitrary::<u8>)?) {
            assert_well_formed(&answer);
        }
        Ok(())
    });
}

#[test]
fn a_damaged_call_gets_a_well_formed_answer() {
    check(CASES, |u| {
        let (method, params, id) = any_call(u)?;
        let call = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id});
        let mut body = if u.arbitrary()? { json!([call, call]) } else { call }.to_string().into_bytes();
        for _ in 0..u.int_in_range(1..=3u8)? {
            let at = u.choose_index(body.len())?;
            body[at] = u.arbitrary()?;
        }
        let end = u.choose_index(body.len())?;
        for body in [&body[..], &body[..end]] {
            if let Some(answer) = answer(body) {
                assert_well_formed(&answer);
            }
        }
        Ok(())
    });
}

#[test]
fn a_body_that_serde_json_cannot_read_is_a_parse_error() {
    // Many, since few of them are JSON.
    check(10_000, |u| {
        let body = String::from_iter(list(u, 0, 12, any_syntax)?);
        let json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
        let answered = answer(&body).map(|answer| callbox_test_cases::wire::without_reasons(&answer));
        assert_eq!(answered == Some(error(-32700, "null")), !json, "{body}: {answered:?}");
        Ok(())
    });
}
