//! A whole body: one request object, or a batch of them.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{self, Fault};
use super::{Id, Invalid, Member, RpcError, brackets, large, request};

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

impl<'a> Envelope<'a> {
    /// Parses a body, once, borrowing from it.
    ///
    /// # Errors
    /// The one error, with id null, that answers the whole body: it is not JSON, nests too deep, is
    /// an empty batch, or is a batch of too many members. The large parameters of a single call are
    /// not parsed here: if they are not JSON, its [draft](super::Draft) finds out.
    pub(crate) fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, RpcError> {
        Self::parse_with(body, limits, large::BYTES)
    }

    /// Parses a body, where a call is large from so many bytes on. The answers to it are the same,
    /// whatever number that is, which tests and fuzz targets hold it to.
    pub(crate) fn parse_with(body: &'a [u8], limits: &Limits, large: usize) -> Result<Self, RpcError> {
        let text = std::str::from_utf8(body).map_err(|error| fault::not_utf8(&error))?;
        let json = text.trim_start_matches(WHITESPACE);
        let not_json = |error| fault::not_json(text, json, &error);
        if json.starts_with('[') {
            match batch(json, limits).map_err(not_json)? {
                Read::All(members) if members.is_empty() => Err(fault::empty_batch()),
                Read::All(members) => Ok(Self::Batch(members)),
                Read::TooMany(members) => Err(fault::large_batch(members, limits.members)),
            }
        } else if json.len() >= large
            && let Some(request) = large::read(text, limits)
        {
            Ok(Self::Single(Ok(request)))
        } else {
            member(json, limits).map(Self::Single).map_err(not_json)
        }
    }
}

/// The whitespace of JSON.
pub(super) const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn member<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Member<'a>> {
    if json.starts_with('{') {
        request::read(json, limits)
    } else if brackets::nest_deeper(json, limits.depth) {
        Err(brackets::too_deep(json, 0, limits.depth))
    } else {
        serde_json::from_str(json).map(|IgnoredAny| Err(Invalid { id: Id::NULL, fault: Fault::NoObject(json) }))
    }
}

/// What came of reading a batch.
enum Read<'a> {
    All(Vec<Member<'a>>),
    /// So many members, which is beyond the limit.
    TooMany(usize),
}

fn batch<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Read<'a>> {
    // Nearly every batch has objects only, which can be read where they stand. Any other text is left to the one that looks at
    // each member before it reads it.
    batch_of(json, Objects { limits }).or_else(|_| batch_of(json, Values { limits }))
}

fn batch_of<'a>(json: &'a str, next: impl NextMember<'a>) -> serde_json::Result<Read<'a>> {
    let expected = json.len() / SHORT_MEMBER;
    let mut json = serde_json::Deserializer::from_str(json);
    let members = json.deserialize_seq(BatchVisitor { next, expected })?;
    json.end()?;
    Ok(members)
}

/// Few request objects have fewer bytes than this.
const SHORT_MEMBER: usize = 48;

/// How one member after the other is read.
trait NextMember<'de> {
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<Member<'de>>, A::Error>;

    fn limits(&self) -> &Limits;
}

/// Each member is an object.
struct Objects<'a> {
    limits: &'a Limits,
}

impl<'de> NextMember<'de> for Objects<'_> {
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<Member<'de>>, A::Error> {
        seq.next_element_seed(request::Seed(self.limits))
    }

    fn limits(&self) -> &Limits {
        self.limits
    }
}

/// Each member is any JSON value.
struct Values<'a> {
    limits: &'a Limits,
}

impl<'de> NextMember<'de> for Values<'_> {
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<Member<'de>>, A::Error> {
        let raw = seq.next_element::<&RawValue>()?;
        raw.map(|raw| member(raw.get(), self.limits).map_err(|error| A::Error::custom(fault::in_member(&error))))
            .transpose()
    }

    fn limits(&self) -> &Limits {
        self.limits
    }
}

/// Collects the members. Those beyond the limit are read over and not kept.
struct BatchVisitor<N> {
    next: N,
    /// For so many members there is room at once.
    expected: usize,
}

impl<'de, N: NextMember<'de>> Visitor<'de> for BatchVisitor<N> {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let most = self.next.limits().members;
        let mut members = Vec::with_capacity(self.expected.min(most));
        while members.len() < most {
            match self.next.next(&mut seq)? {
                Some(member) => members.push(member),
                None => return Ok(Read::All(members)),
            }
        }
        let mut further = 0;
        // They must still be JSON: a broken body is told as broken, whatever its size.
        while seq.next_element::<IgnoredAny>()?.is_some() {
            further += 1;
        }
        Ok(if further == 0 { Read::All(members) } else { Read::TooMany(most + further) })
    }
}
