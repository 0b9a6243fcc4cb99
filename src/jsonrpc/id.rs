//! The id of a call, kept as the caller wrote it.

/// The id of a call: a string, a number or null, echoed byte for byte.
///
/// It is never turned into a number of ours, so `1.0`, `-0` and `18446744073709551616` come back as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// What answers a request whose id cannot be told.
    pub(crate) const NULL: Id<'static> = Id("null");

    /// The id in this JSON text, if the text is one value that can be an id, and no longer than a caller may have echoed.
    pub(super) fn from_json(json: &'a str, max_bytes: usize) -> Option<Self> {
        let allowed = matches!(json.as_bytes().first(), Some(b'"' | b'-' | b'0'..=b'9' | b'n'));
        (allowed && json.len() <= max_bytes).then_some(Self(json))
    }

    pub(crate) fn is_null(self) -> bool {
        self == Self::NULL
    }

    pub(crate) fn as_json(self) -> &'a str {
        self.0
    }
}
