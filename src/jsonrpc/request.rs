//! One request object, borrowed from the body.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::Limits;
use super::large_params::UncheckedParams;
use super::request_fault::RequestFault;
use super::{Id, RpcError, nesting};

/// A valid request object: a call, or a notification if it has no id.
#[derive(Debug)]
pub(crate) struct RpcRequest<'a> {
    /// Owned only if the caller wrote it with escapes.
    pub(crate) method: Cow<'a, str>,
    /// Text of an object or an array. `null` counts as absent.
    pub(crate) params: Option<&'a str>,
    pub(crate) id: Option<Id<'a>>,
    /// Set for a call with large parameters: whether they are JSON is not known yet.
    pub(super) unchecked: Option<UncheckedParams<'a>>,
}

/// A value in the place of a request object that is not one. It is always answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvalidRequest<'a> {
    /// The id, or null if it could not be read.
    pub(crate) id: Id<'a>,
    pub(super) fault: RequestFault<'a>,
}

/// One member of a batch, or the whole of a body that is not a batch.
pub(crate) type ParsedRequest<'a> = Result<RpcRequest<'a>, InvalidRequest<'a>>;

impl InvalidRequest<'_> {
    pub(crate) fn error(self) -> RpcError {
        RpcError::invalid_request(&self.fault)
    }
}

/// Reads a JSON object as a request object.
///
/// # Errors
/// If the text is not a JSON object, nests too deep, or has a member whose name contains an invalid
/// escape.
pub(super) fn read<'a>(json: &'a str, limits: &Limits) -> serde_json::Result<ParsedRequest<'a>> {
    let mut json = serde_json::Deserializer::from_str(json);
    let member = RequestSeed(limits).deserialize(&mut json)?;
    json.end()?;
    Ok(member)
}

/// The same for an object among others.
pub(super) struct RequestSeed<'a>(pub(super) &'a Limits);

impl<'de> DeserializeSeed<'de> for RequestSeed<'_> {
    type Value = ParsedRequest<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ParsedRequest<'de>, D::Error> {
        // Filled in place: each move of them costs a few nanoseconds, and reading a whole member
        // takes one or two hundred.
        let mut members = RawMembers::default();
        deserializer
            .deserialize_map(RawMembersVisitor { members: &mut members, depth: self.0.depth.saturating_sub(1) })?;
        Ok(members.judge(self.0.id))
    }
}

/// The raw members that matter. Written by hand and not derived, because a derived struct would
/// also accept an array.
#[derive(Default)]
struct RawMembers<'a> {
    jsonrpc: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    repeated: Option<MemberName>,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum MemberName {
    Jsonrpc,
    Method,
    Params,
    Id,
    #[serde(other)]
    Unknown,
}

impl MemberName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Jsonrpc => "jsonrpc",
            Self::Method => "method",
            Self::Params => "params",
            Self::Id => "id",
            Self::Unknown => "",
        }
    }
}

struct RawMembersVisitor<'a, 'de> {
    members: &'a mut RawMembers<'de>,
    /// Maximum nesting depth of each member's value.
    depth: usize,
}

impl<'de> Visitor<'de> for RawMembersVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request object")
    }

    // Reads to the end after a fault, because a syntax error further on outweighs it.
    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let members = self.members;
        while let Some(name) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            if nesting::exceeds_depth(value.get(), self.depth) {
                // The request object itself is a level, too.
                return Err(nesting::too_deep(value.get(), 1, self.depth + 1));
            }
            let member = match name {
                MemberName::Jsonrpc => &mut members.jsonrpc,
                MemberName::Method => &mut members.method,
                MemberName::Params => &mut members.params,
                MemberName::Id => &mut members.id,
                MemberName::Unknown => continue,
            };
            if member.replace(value).is_some() {
                members.repeated = Some(name);
            }
        }
        Ok(())
    }
}

impl<'a> RawMembers<'a> {
    fn judge(&self, max_id_bytes: usize) -> ParsedRequest<'a> {
        // Neither of two ids can be trusted, and two parsers that pick different methods would
        // allow callers to bypass the access check.
        if let Some(name) = self.repeated {
            return Err(InvalidRequest { id: Id::NULL, fault: RequestFault::Repeated(name.as_str()) });
        }
        let id = self.id.map(|raw| Id::from_json(raw.get(), max_id_bytes)).transpose();
        let id = id.map_err(|fault| InvalidRequest { id: Id::NULL, fault })?;
        let invalid = |fault| Err(InvalidRequest { id: id.unwrap_or(Id::NULL), fault });
        if !self.jsonrpc.is_some_and(|version| version.get() == r#""2.0""# || text(version).as_deref() == Some("2.0")) {
            return invalid(RequestFault::Version(self.jsonrpc.map(RawValue::get)));
        }
        let params = match self.params.map(RawValue::get) {
            Some(json) if json.starts_with(['{', '[']) => Some(json),
            Some("null") | None => None,
            Some(json) => return invalid(RequestFault::Params(json)),
        };
        match self.method.and_then(text) {
            Some(method) => Ok(RpcRequest { method, params, id, unchecked: None }),
            None => invalid(RequestFault::Method(self.method.map(RawValue::get))),
        }
    }
}

/// Returns the text of a JSON string. Returns `None` for any other value, and for an invalid
/// escape.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(raw.get()).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}
