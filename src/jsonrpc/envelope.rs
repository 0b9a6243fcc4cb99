//! A whole body: one request object, or a batch of them.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Id, Invalid, Member, Request, RpcError, brackets, large, request};

/// What a body holds.
#[derive(Debug)]
pub(crate) enum Envelope<'a> {
    Single(Member<'a>),
    /// A call whose parameters are large. They [may turn out](Request::has_json_params) not to be JSON.
    Large(Request<'a>),
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
    /// The parameters of a single call of so many bytes are not looked at before they are read.
    pub(crate) large: usize,
}

/// Deeper parameters would be refused by serde_json, whose own limit this is.
pub(crate) const MAX_DEPTH: usize = 127;

/// Parses a body, once, borrowing from it. A call with large parameters needs the empty `scratch`.
///
/// # Errors
/// The one error, with id null, that answers the whole body: it is not JSON, nests too deep, is an empty batch, or is a
/// batch of too many members.
pub(crate) fn parse<'a>(body: &'a [u8], limits: &Limits, scratch: &'a mut String) -> Result<Envelope<'a>, RpcError> {
    let text = std::str::from_utf8(body).map_err(|_| RpcError::parse_error())?;
    let json = text.trim_start_matches(WHITESPACE);
    if json.starts_with('[') {
        let members = batch(json, limits).map_err(|_| RpcError::parse_error())?;
        members.filter(|members| !members.is_empty()).map(Envelope::Batch).ok_or_else(RpcError::invalid_request)
    } else if let Some(request) = large::read(json, limits, scratch) {
        Ok(Envelope::Large(request))
    } else {
        member(json, limits).map(Envelope::Single).map_err(|_| RpcError::parse_error())
    }
}

/// Of JSON.
pub(super) const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn member<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Member<'a>> {
    if json.starts_with('{') {
        request::read(json, limits)
    } else if brackets::nest_deeper(json, limits.depth) {
        Err(brackets::too_deep())
    } else {
        serde_json::from_str(json).map(|IgnoredAny| Err(Invalid { id: Id::NULL }))
    }
}

/// The members of a batch; none if they are too many.
fn batch<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<Option<Vec<Member<'a>>>> {
    // Nearly every batch has objects only, which can be read where they stand. Any other text is left to the one that looks at
    // each member before it reads it.
    batch_of(json, Objects { limits }).or_else(|_| batch_of(json, Values { limits }))
}

fn batch_of<'a>(json: &'a str, next: impl NextMember<'a>) -> serde_json::Result<Option<Vec<Member<'a>>>> {
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
        raw.map(|raw| member(raw.get(), self.limits).map_err(A::Error::custom)).transpose()
    }

    fn limits(&self) -> &Limits {
        self.limits
    }
}

/// Collects the members; none if they are too many. Those beyond the limit are read over and not kept.
struct BatchVisitor<N> {
    next: N,
    /// For so many members there is room at once.
    expected: usize,
}

impl<'de, N: NextMember<'de>> Visitor<'de> for BatchVisitor<N> {
    type Value = Option<Vec<Member<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let most = self.next.limits().members;
        let mut members = Vec::with_capacity(self.expected.min(most));
        while members.len() < most {
            match self.next.next(&mut seq)? {
                Some(member) => members.push(member),
                None => return Ok(Some(members)),
            }
        }
        let mut further = 0;
        // They must still be JSON: a broken body is told as broken, whatever its size.
        while seq.next_element::<IgnoredAny>()?.is_some() {
            further += 1;
        }
        Ok((further == 0).then_some(members))
    }
}
