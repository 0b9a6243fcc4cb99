//! JSON-RPC as one would write it by hand for a fast handler: the envelope is borrowed from the
//! body, the parameters are deserialised directly into their types, and the response is written
//! into one buffer. It omits the further checks of a framework.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::methods::{Add, Text, Total, add, text, total};

#[derive(Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) method: &'a str,
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) id: &'a RawValue,
}

/// A body: one call, or several.
pub(super) enum Body<'a> {
    Single(Request<'a>),
    Batch(Vec<Request<'a>>),
}

pub(super) fn parse(body: &[u8]) -> serde_json::Result<Body<'_>> {
    if body.first() == Some(&b'[') {
        serde_json::from_slice(body).map(Body::Batch)
    } else {
        serde_json::from_slice(body).map(Body::Single)
    }
}

/// Deserialises the parameters of a request.
pub(super) fn params<'a, T: Deserialize<'a>>(request: &Request<'a>) -> serde_json::Result<T> {
    serde_json::from_str(request.params.map_or("null", RawValue::get))
}

/// Appends a response to `out`.
pub(super) fn write_reply(out: &mut Vec<u8>, id: &RawValue, result: &impl Serialize) -> serde_json::Result<()> {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"result\":");
    serde_json::to_writer(&mut *out, result)?;
    // Writing to a vector cannot fail.
    let _ = write!(out, ",\"id\":{id}}}");
    Ok(())
}

/// Handles a whole body, call by call; `count` is the method with state.
pub(super) fn handle(body: &[u8], mut count: impl FnMut() -> u64) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    match parse(body)? {
        Body::Single(request) => run_call(&request, &mut out, &mut count)?,
        Body::Batch(requests) => {
            for (at, request) in requests.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                run_call(request, &mut out, &mut count)?;
            }
            out.push(b']');
        }
    }
    Ok(out)
}

fn run_call(request: &Request<'_>, out: &mut Vec<u8>, count: &mut impl FnMut() -> u64) -> serde_json::Result<()> {
    match request.method {
        "ping" => write_reply(out, request.id, &true),
        "count" => write_reply(out, request.id, &count()),
        "add" => {
            let Add { a, b } = params(request)?;
            write_reply(out, request.id, &add(a, b))
        }
        "total" => write_reply(out, request.id, &total(&params::<Total>(request)?.values)),
        "text" => write_reply(out, request.id, &text(params::<Text>(request)?.length)),
        _ => Err(serde::de::Error::custom("no such method")),
    }
}
