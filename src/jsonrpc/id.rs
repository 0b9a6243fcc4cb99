//! The id of a call, kept as the caller wrote it.

use super::request_fault::RequestFault;

/// The id of a call: a string, a number or null, echoed byte for byte.
///
/// It is never converted to a number type, so `1.0`, `-0` and `18446744073709551616` come back as
/// they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The id of a response to a request whose id is unknown.
    pub(crate) const NULL: Id<'static> = Id("null");

    /// Reads the id in this JSON text.
    ///
    /// # Errors
    /// If the value cannot be an id, or is longer than what is echoed.
    pub(super) fn from_json(json: &'a str, max_bytes: usize) -> Result<Self, RequestFault<'a>> {
        if !matches!(json.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9' | b'n')) {
            return Err(RequestFault::Id(json));
        }
        if json.len() > max_bytes {
            return Err(RequestFault::LongId { bytes: json.len(), limit: max_bytes });
        }
        Ok(Self(json))
    }

    pub(crate) fn is_null(self) -> bool {
        self == Self::NULL
    }

    pub(crate) fn as_json(self) -> &'a str {
        self.0
    }
}
