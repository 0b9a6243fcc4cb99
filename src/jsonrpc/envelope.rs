//! A whole body: one request object, or a batch of them.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::request_fault::{self, RequestFault};
use super::{Id, InvalidRequest, ParsedRequest, RpcError, large_params, nesting, request};

/// The content of a body.
#[derive(Debug)]
pub(crate) enum Envelope<'a> {
    Single(ParsedRequest<'a>),
    /// At least one member, in the order in which the batch is answered.
    Batch(Vec<ParsedRequest<'a>>),
}

/// The limits of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Maximum number of members of a batch.
    pub(crate) members: usize,
    /// Maximum nesting depth of objects and arrays in one request object, itself included. At most
    /// [`MAX_DEPTH`].
    pub(crate) depth: usize,
    /// Maximum size of an id, in bytes. It is echoed.
    pub(crate) id: usize,
}

/// Maximum of [`Limits::depth`]: the recursion limit of serde_json, which reads the parameters
/// later.
pub(crate) const MAX_DEPTH: usize = 127;

impl<'a> Envelope<'a> {
    /// Parses a body, once, borrowing from it.
    ///
    /// # Errors
    /// The one error, with id null, that answers the whole body: it is not JSON, nests too deep, is
    /// an empty batch, or is a batch of too many members. Large parameters of a single call are not
    /// parsed here: if they are not JSON, its [draft](super::Draft) finds out.
    pub(crate) fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, RpcError> {
        Self::parse_with(body, limits, large_params::MIN_BYTES)
    }

    /// Parses a body in which a call counts as large from `large` bytes on. The responses are the
    /// same for every value of `large`: tests and fuzz targets check that.
    pub(crate) fn parse_with(body: &'a [u8], limits: &Limits, large: usize) -> Result<Self, RpcError> {
        let text = std::str::from_utf8(body).map_err(|error| request_fault::not_utf8(&error))?;
        let json = text.trim_start_matches(WHITESPACE);
        let not_json = |error| request_fault::not_json(text, json, &error);
        if json.starts_with('[') {
            match batch(json, limits).map_err(not_json)? {
                ParsedBatch::All(members) if members.is_empty() => Err(request_fault::empty_batch()),
                ParsedBatch::All(members) => Ok(Self::Batch(members)),
                ParsedBatch::TooMany(members) => Err(request_fault::large_batch(members, limits.members)),
            }
        } else if json.len() >= large
            && let Some(request) = large_params::read(text, limits)
        {
            Ok(Self::Single(Ok(request)))
        } else {
            member(json, limits).map(Self::Single).map_err(not_json)
        }
    }
}

/// The whitespace of JSON.
pub(super) const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn member<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<ParsedRequest<'a>> {
    if json.starts_with('{') {
        request::read(json, limits)
    } else if nesting::exceeds_depth(json, limits.depth) {
        Err(nesting::too_deep(json, 0, limits.depth))
    } else {
        serde_json::from_str(json)
            .map(|IgnoredAny| Err(InvalidRequest { id: Id::NULL, fault: RequestFault::NoObject(json) }))
    }
}

/// The result of reading a batch.
enum ParsedBatch<'a> {
    All(Vec<ParsedRequest<'a>>),
    /// The number of members, which is above the limit.
    TooMany(usize),
}

fn batch<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<ParsedBatch<'a>> {
    // Nearly every batch consists of objects, which are read in place. Any other text is read again
    // by the slower way, which looks at each member before it reads it.
    batch_of(json, Objects { limits }).or_else(|_| batch_of(json, Values { limits }))
}

fn batch_of<'a>(json: &'a str, next: impl NextMember<'a>) -> serde_json::Result<ParsedBatch<'a>> {
    let expected = json.len() / SHORT_MEMBER;
    let mut json = serde_json::Deserializer::from_str(json);
    let members = json.deserialize_seq(BatchVisitor { next, expected })?;
    json.end()?;
    Ok(members)
}

/// Most request objects are at least this long, in bytes: used to reserve memory.
const SHORT_MEMBER: usize = 48;

/// How the next member is read.
trait NextMember<'de> {
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<ParsedRequest<'de>>, A::Error>;

    fn limits(&self) -> &Limits;
}

/// Each member is an object.
struct Objects<'a> {
    limits: &'a Limits,
}

impl<'de> NextMember<'de> for Objects<'_> {
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<ParsedRequest<'de>>, A::Error> {
        seq.next_element_seed(request::RequestSeed(self.limits))
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
    fn next<A: SeqAccess<'de>>(&self, seq: &mut A) -> Result<Option<ParsedRequest<'de>>, A::Error> {
        let raw = seq.next_element::<&RawValue>()?;
        raw.map(|raw| {
            member(raw.get(), self.limits).map_err(|error| A::Error::custom(request_fault::in_member(&error)))
        })
        .transpose()
    }

    fn limits(&self) -> &Limits {
        self.limits
    }
}

/// Collects the members. Members beyond the limit are checked and dropped.
struct BatchVisitor<N> {
    next: N,
    /// Number of members for which memory is reserved.
    expected: usize,
}

impl<'de, N: NextMember<'de>> Visitor<'de> for BatchVisitor<N> {
    type Value = ParsedBatch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let max = self.next.limits().members;
        let mut members = Vec::with_capacity(self.expected.min(max));
        while members.len() < max {
            match self.next.next(&mut seq)? {
                Some(member) => members.push(member),
                None => return Ok(ParsedBatch::All(members)),
            }
        }
        let mut further = 0;
        // They must still be JSON: a broken body is reported as broken, whatever its size.
        while seq.next_element::<IgnoredAny>()?.is_some() {
            further += 1;
        }
        Ok(if further == 0 { ParsedBatch::All(members) } else { ParsedBatch::TooMany(max + further) })
    }
}
