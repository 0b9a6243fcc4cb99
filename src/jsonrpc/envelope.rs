//! A whole body: one request object, or a batch of them.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Id, Invalid, Member, RpcError, depth, request};

/// What a body holds.
#[derive(Debug)]
pub(crate) enum Envelope<'a> {
    Single(Member<'a>),
    /// At least one member, in the order in which they are answered.
    Batch(Vec<Member<'a>>),
}

/// What a body may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most members of a batch.
    pub(crate) members: usize,
    /// The most objects and arrays within one another in one request object, itself included. At most [`MAX_DEPTH`].
    pub(crate) depth: usize,
    /// The most bytes of an id, which is echoed.
    pub(crate) id: usize,
}

/// Deeper parameters would be refused by serde_json, whose own limit this is.
pub(crate) const MAX_DEPTH: usize = 127;

/// Parses a body, once, borrowing from it.
///
/// # Errors
/// The one error, with id null, that answers the whole body: it is not JSON, nests too deep, is an empty batch, or is a
/// batch of too many members.
pub(crate) fn parse<'a>(body: &'a [u8], limits: &Limits) -> Result<Envelope<'a>, RpcError> {
    let text = std::str::from_utf8(body).map_err(|_| RpcError::parse_error())?;
    let json = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if json.starts_with('[') {
        let members = batch(json, limits).map_err(|_| RpcError::parse_error())?;
        members.filter(|members| !members.is_empty()).map(Envelope::Batch).ok_or_else(RpcError::invalid_request)
    } else {
        member(json, limits).map(Envelope::Single).map_err(|_| RpcError::parse_error())
    }
}

fn member<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Member<'a>> {
    if depth::exceeds(json, limits.depth) {
        Err(serde_json::Error::custom("nests too deep"))
    } else if json.starts_with('{') {
        request::read(json, limits.id)
    } else {
        serde_json::from_str(json).map(|IgnoredAny| Err(Invalid { id: Id::NULL }))
    }
}

fn batch<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Option<Vec<Member<'a>>>> {
    let mut json = serde_json::Deserializer::from_str(json);
    let members = json.deserialize_seq(BatchVisitor { limits })?;
    json.end()?;
    Ok(members)
}

/// Collects the members; none if they are too many. Those beyond the limit are read over and not kept.
struct BatchVisitor<'a> {
    limits: &'a Limits,
}

impl<'de> Visitor<'de> for BatchVisitor<'_> {
    type Value = Option<Vec<Member<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if members.len() == self.limits.members {
                // The rest must still be JSON: a broken body is told as broken, whatever its size.
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            members.push(member(raw.get(), self.limits).map_err(A::Error::custom)?);
        }
        Ok(Some(members))
    }
}
