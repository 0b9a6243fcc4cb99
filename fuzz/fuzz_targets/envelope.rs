//! Request bodies: the parser is compared with a plain one that goes by way of `serde_json::Value`.

#![no_main]

use std::fmt;

use callbox::__fuzzing::{
    FuzzBody, FuzzMember, FuzzRequest, MAX_ID_BYTES, MAX_MEMBERS, MAX_NESTING, error_response, parse, respond_with_null,
};
use callbox::{Dialect, RpcError};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The result of parsing a body.
type Parsed<'a> = Result<FuzzBody<'a>, RpcError>;

fuzz_target!(|body: &[u8]| {
    let parsed = parse(body, usize::MAX);
    compare_large(&parse(body, 0), &parsed);
    let Some(json) = std::str::from_utf8(body).ok().filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
    else {
        assert_eq!(parsed.unwrap_err().code(), -32700, "what is not JSON is a parse error");
        return;
    };
    let is_batch = json.trim_start().starts_with('[');
    match &parsed {
        // Too deep, too many, empty, or a name that is no text: a reference for these would be the
        // same code again.
        Err(error) => assert!(
            is_batch
                || error.code() == -32700 && (json.contains(r"\u") || json.matches(['[', '{']).count() > MAX_NESTING)
        ),
        Ok(FuzzBody::Single(member)) => {
            assert!(!is_batch);
            compare(member, json);
        }
        Ok(FuzzBody::Batch(members)) => {
            let expected: Vec<&RawValue> = serde_json::from_str(json).expect("a batch");
            assert!(is_batch && members.len() == expected.len() && members.len() <= MAX_MEMBERS);
            members.iter().zip(expected).for_each(|(member, json)| compare(member, json.get()));
        }
    }
    for dialect in [Dialect::Jsonrpc, Dialect::Pymicroservice, Dialect::Gemstone] {
        if let Some(response) = respond_with_null(body, dialect) {
            serde_json::from_slice::<IgnoredAny>(&response).expect("a response is JSON");
        }
    }
});

/// Compares a body that was parsed as if all calls were large with the same body if none is.
fn compare_large(large: &Parsed<'_>, whole: &Parsed<'_>) {
    match (large, whole) {
        (Ok(FuzzBody::Single(Ok(large))), Ok(FuzzBody::Single(Ok(request)))) => {
            assert_eq!(
                (large.method(), large.params(), large.id()),
                (request.method(), request.params(), request.id())
            );
            assert_eq!(failure(large), failure(request), "its parameters are JSON");
        }
        (Ok(FuzzBody::Single(Ok(large))), Err(error)) => {
            assert_eq!(error.code(), -32700);
            let response = error_response(Dialect::Jsonrpc, error);
            assert_eq!(failure(large), Some((error.clone(), response)), "the same reason, at the same place");
        }
        (Ok(FuzzBody::Single(Err(large))), Ok(FuzzBody::Single(Err(invalid)))) => {
            assert_eq!((large.id(), large.error()), (invalid.id(), invalid.error()));
        }
        (Ok(FuzzBody::Batch(large)), Ok(FuzzBody::Batch(members))) => assert_eq!(large.len(), members.len()),
        (Err(large), Err(error)) => assert_eq!(large, error),
        _ => panic!("{large:?}, and read as a whole {whole:?}"),
    }
}

/// Returns the error and the response of a call whose method fails.
fn failure(request: &FuzzRequest<'_>) -> Option<(RpcError, Vec<u8>)> {
    request.fail(RpcError::new(7, "no"))
}

fn compare(member: &FuzzMember<'_>, json: &str) {
    match (member, plain(json)) {
        (Ok(request), Some(Plain { method, params, id })) => {
            assert_eq!(*request.method(), method);
            assert_eq!(request.params().is_some(), params, "parameters that are null are none");
            assert_eq!(request.id(), id);
        }
        (Err(invalid), None) => {
            let id = invalid.id();
            assert!(id == "null" || json.contains(id), "an id is echoed or null");
        }
        (member, plain) => panic!("{member:?}, and by the plain parser {}", plain.is_some()),
    }
}

/// A valid request, as the plain parser reads it.
struct Plain<'a> {
    method: String,
    params: bool,
    id: Option<&'a str>,
}

fn plain(json: &str) -> Option<Plain<'_>> {
    let Members(members) = serde_json::from_str(json).ok()?;
    let one = |name: &str| {
        let mut found = members.iter().filter(|(key, _)| key == name).map(|(_, raw)| raw.get());
        let first = found.next();
        found.next().is_none().then_some(first)
    };
    let text = |raw: &str| serde_json::from_str::<Value>(raw).ok()?.as_str().map(str::to_owned);
    let (version, method, params, id) = (one("jsonrpc")?, one("method")?, one("params")?, one("id")?);
    if text(version?)? != "2.0" || id.is_some_and(|id| id.len() > MAX_ID_BYTES) {
        return None;
    }
    if !matches!(params.map(|raw| &raw[..1]), None | Some("[" | "{")) && params != Some("null") {
        return None;
    }
    if id.is_some_and(|id| matches!(&id[..1], "{" | "[" | "t" | "f")) {
        return None;
    }
    Some(Plain { method: text(method?)?, params: params.is_some_and(|raw| raw != "null"), id })
}

/// The members of an object, in their order, with those that are repeated.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
