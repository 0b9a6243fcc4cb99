//! A whole body: one request object, or a batch of them.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::request::read;
use super::{Id, Invalid, Member, RpcError, depth};

/// What a body holds.
#[derive(Debug)]
pub(crate) enum Envelope<'a> {
    Single(Member<'a>),
    /// At least one member, in the order in which they are answered.
    Batch(Vec<Member<'a>>),
}

/// Parses a body, once, borrowing from it.
///
/// # Errors
/// The one error, with id null, that answers the whole body: it is not JSON, nests too deep, is an empty batch, or is a
/// batch of more than `max_members`.
pub(crate) fn parse(body: &[u8], max_members: usize) -> Result<Envelope<'_>, RpcError> {
    let text = std::str::from_utf8(body).map_err(|_| RpcError::parse_error())?;
    let first = body.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    // The bracket of a batch is no level of its members.
    let levels = depth::MAX_DEPTH + usize::from(first == Some(&b'['));
    if depth::exceeds(body, levels) {
        return Err(RpcError::parse_error());
    }
    match first {
        Some(b'{') => read(text).map(Envelope::Single).map_err(|_| RpcError::parse_error()),
        Some(b'[') => batch(text, max_members).map(Envelope::Batch),
        _ => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Err(RpcError::invalid_request()),
            Err(_) => Err(RpcError::parse_error()),
        },
    }
}

fn batch(text: &str, max_members: usize) -> Result<Vec<Member<'_>>, RpcError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_seq(BatchVisitor { max_members }).map_err(|_| RpcError::parse_error())?;
    json.end().map_err(|_| RpcError::parse_error())?;
    members.filter(|members| !members.is_empty()).ok_or_else(RpcError::invalid_request)
}

/// Collects the members; none if they are too many. Those beyond the limit are read over and not kept.
struct BatchVisitor {
    max_members: usize,
}

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Option<Vec<Member<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if members.len() == self.max_members {
                // The rest must still be JSON: a broken body is told as broken, whatever its size.
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            members.push(if raw.get().starts_with('{') {
                read(raw.get()).map_err(A::Error::custom)?
            } else {
                Err(Invalid { id: Id::NULL })
            });
        }
        Ok(Some(members))
    }
}
