//! Bodies: the parser's judgement against a plain one, by way of `serde_json::Value`.

#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

// First, as its macros are for all that come after it.
#[allow(dead_code, unused_imports, unused_macros, reason = "the target uses a part of it")]
#[macro_use]
#[path = "../../src/log/mod.rs"]
mod log;

#[allow(dead_code, unused_imports, unreachable_pub, reason = "the target uses a part of it")]
#[path = "../../src/jsonrpc/mod.rs"]
mod jsonrpc;
#[allow(unused_imports, reason = "the target uses a part of it")]
#[path = "../../src/sync.rs"]
mod sync;

use jsonrpc::{BatchWriter, Dialect, Draft, Envelope, Id, Limits, ParsedRequest, RpcRequest, RpcError};

/// What came of reading a body.
type Parsed<'a> = Result<Envelope<'a>, RpcError>;

const LIMITS: Limits = Limits { members: 100, depth: 127, id: 4096 };

fuzz_target!(|body: &[u8]| {
    let parsed = Envelope::parse_with(body, &LIMITS, usize::MAX);
    compare_large(&Envelope::parse_with(body, &LIMITS, 0), &parsed);
    let Some(json) = std::str::from_utf8(body).ok().filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
    else {
        assert_eq!(parsed.unwrap_err().code(), -32700, "what is not JSON is a parse error");
        return;
    };
    let is_batch = json.trim_start().starts_with('[');
    match &parsed {
        // Too deep, too many, empty, or a name that is no text: a reference for these would be the same code again.
        Err(error) => assert!(
            is_batch
                || error.code() == -32700 && (json.contains(r"\u") || json.matches(['[', '{']).count() > LIMITS.depth)
        ),
        Ok(Envelope::Single(member)) => {
            assert!(!is_batch);
            compare(member, json);
        }
        Ok(Envelope::Batch(members)) => {
            let expected: Vec<&RawValue> = serde_json::from_str(json).expect("a batch");
            assert!(is_batch && members.len() == expected.len() && members.len() <= LIMITS.members);
            members.iter().zip(expected).for_each(|(member, json)| compare(member, json.get()));
        }
    }
    for dialect in [Dialect::Jsonrpc, Dialect::Pymicroservice, Dialect::Gemstone] {
        if let Some(answer) = answer(&parsed, dialect) {
            serde_json::from_slice::<IgnoredAny>(&answer).expect("an answer is JSON");
        }
    }
});

/// A body as it is read if all calls are large, against the same if none is.
fn compare_large(large: &Parsed<'_>, whole: &Parsed<'_>) {
    match (large, whole) {
        (Ok(Envelope::Single(Ok(large))), Ok(Envelope::Single(Ok(request)))) => {
            assert_eq!((&large.method, large.params, large.id), (&request.method, request.params, request.id));
            assert_eq!(refused(large), refused(request), "its parameters are JSON");
        }
        (Ok(Envelope::Single(Ok(large))), Err(error)) => {
            assert_eq!(error.code(), -32700);
            let mut answer = Vec::new();
            Dialect::Jsonrpc.error(&mut answer, Id::NULL, error);
            assert_eq!(refused(large), Some((error.clone(), answer)), "the same reason, at the same place");
        }
        (Ok(Envelope::Single(Err(large))), Ok(Envelope::Single(Err(invalid)))) => {
            assert_eq!((large.id, large.error()), (invalid.id, invalid.error()));
        }
        (Ok(Envelope::Batch(large)), Ok(Envelope::Batch(members))) => assert_eq!(large.len(), members.len()),
        (Err(large), Err(error)) => assert_eq!(large, error),
        _ => panic!("{large:?}, and read as a whole {whole:?}"),
    }
}

/// What a call is told that fails, and its answer. None of a notification.
fn refused(request: &RpcRequest<'_>) -> Option<(RpcError, Vec<u8>)> {
    let mut answer = Vec::new();
    let draft = Draft::reply(Dialect::Jsonrpc, request.id?, request, &mut answer);
    let told = draft.close(&mut answer, Err(RpcError::new(7, "no")))?;
    Some((told, answer))
}

fn compare(member: &ParsedRequest<'_>, json: &str) {
    match (member, plain(json)) {
        (Ok(request), Some(Plain { method, params, id })) => {
            assert_eq!(request.method, method);
            assert_eq!(request.params.is_some(), params, "parameters that are null are none");
            assert_eq!(request.id.map(Id::as_json), id);
        }
        (Err(invalid), None) => {
            let id = invalid.id.as_json();
            assert!(id == "null" || json.contains(id), "an id is echoed or null");
        }
        (member, plain) => panic!("{member:?}, and by the plain judge {}", plain.is_some()),
    }
}

/// A valid request.
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
    if text(version?)? != "2.0" || id.is_some_and(|id| id.len() > LIMITS.id) {
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

/// The members of an object, in their order, also those that stand twice.
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

/// What a server would answer whose every method returns null.
fn answer(parsed: &Parsed<'_>, dialect: Dialect) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let write = |member: &ParsedRequest<'_>, out: &mut Vec<u8>| match member {
        Ok(_) => {
            out.extend_from_slice(b"null");
            Ok(())
        }
        Err(invalid) => Err(invalid.error()),
    };
    match parsed {
        Err(error) => dialect.error(&mut out, Id::NULL, error),
        Ok(Envelope::Single(member)) => {
            let id = reply_id(member, dialect)?;
            let draft = Draft::open(dialect, id, &mut out);
            let outcome = write(member, &mut out);
            draft.close(&mut out, outcome);
        }
        Ok(Envelope::Batch(members)) => {
            let mut batch = BatchWriter::new(dialect, members.len());
            for (index, member) in members.iter().enumerate() {
                if let Some(id) = reply_id(member, dialect) {
                    batch.write(index, id, |out| Some(write(member, out)));
                }
            }
            out = batch.finish(|| unreachable!("none is open"))?;
        }
    }
    Some(out)
}

fn reply_id<'a>(member: &ParsedRequest<'a>, dialect: Dialect) -> Option<Id<'a>> {
    match member {
        Ok(request) => dialect.reply_id(request),
        Err(invalid) => Some(invalid.id),
    }
}
