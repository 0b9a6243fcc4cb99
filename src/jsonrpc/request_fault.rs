//! What is wrong with a body, in words for its caller: the rule, the limit, and what was received.

use std::fmt;
use std::str::Utf8Error;

use super::RpcError;

/// Maximum length of a received value that is quoted in an error, in bytes.
const SHOWN: usize = 50;

/// Why a value is not a request object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RequestFault<'a> {
    /// It is another kind of value.
    NoObject(&'a str),
    /// A member appears more than once.
    Repeated(&'static str),
    /// The id is neither a string nor a number nor null.
    Id(&'a str),
    LongId {
        bytes: usize,
        limit: usize,
    },
    /// The version is missing, or is not 2.0.
    Version(Option<&'a str>),
    /// The method is missing, or is not a string.
    Method(Option<&'a str>),
    /// The parameters are neither an object nor an array.
    Params(&'a str),
}

impl fmt::Display for RequestFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoObject(json) => write!(f, "expected a request object, got {}", ReceivedValue(json)),
            Self::Repeated(name) => write!(f, "`{name}` appears more than once"),
            Self::Id(json) => write!(f, "`id`: expected a string, a number or null, got {}", ReceivedValue(json)),
            Self::LongId { bytes, limit } => write!(f, "`id` has {bytes} bytes, the limit is {limit}"),
            Self::Version(None) => f.write_str(r#"`jsonrpc` is missing, expected "2.0""#),
            Self::Version(Some(json)) => write!(f, r#"`jsonrpc`: expected "2.0", got {}"#, ReceivedValue(json)),
            Self::Method(None) => f.write_str("`method` is missing, expected a string"),
            Self::Method(Some(json)) if json.starts_with('"') => {
                f.write_str("`method` has an escape that encodes no character")
            }
            Self::Method(Some(json)) => write!(f, "`method`: expected a string, got {}", ReceivedValue(json)),
            Self::Params(json) => write!(f, "`params`: expected an object or an array, got {}", ReceivedValue(json)),
        }
    }
}

/// A received JSON value as it is quoted in an error: short scalars as they were sent, everything
/// else by its kind.
struct ReceivedValue<'a>(&'a str);

impl fmt::Display for ReceivedValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = self.0.trim_ascii();
        match json.as_bytes().first() {
            Some(b'{') => f.write_str("an object"),
            Some(b'[') => f.write_str("an array"),
            _ if json.len() <= SHOWN => f.write_str(json),
            Some(b'"') => write!(f, "a string of {} bytes", json.len()),
            _ => write!(f, "a number of {} digits", json.len()),
        }
    }
}

/// Returns -32600 for a batch without members.
pub(super) fn empty_batch() -> RpcError {
    RpcError::invalid_request(&"the batch is empty, expected at least 1 member")
}

/// Returns -32600 for a batch of too many members.
pub(super) fn large_batch(members: usize, limit: usize) -> RpcError {
    RpcError::invalid_request(&format_args!("the batch has {members} members, the limit is {limit}"))
}

/// Returns -32700 for bytes that are not UTF-8.
pub(super) fn not_utf8(error: &Utf8Error) -> RpcError {
    RpcError::parse_error(&format_args!("not UTF-8: byte {} is not valid", error.valid_up_to() + 1))
}

/// Returns -32700 for a text that cannot be read. `json` is the text without leading whitespace.
pub(super) fn not_json(text: &str, json: &str, error: &serde_json::Error) -> RpcError {
    if json.is_empty() {
        return RpcError::parse_error(&"not JSON: the body is empty");
    }
    if text.starts_with('\u{feff}') {
        return RpcError::parse_error(&"not JSON: it starts with a byte order mark");
    }
    if error.is_data() {
        return RpcError::parse_error(&without_place(error));
    }
    // serde_json counts positions from where it began.
    let before = &text[..text.len() - json.len()];
    let line = error.line() + before.matches('\n').count();
    let indent = if error.line() > 1 { 0 } else { before.len() - before.rfind('\n').map_or(0, |at| at + 1) };
    let column = error.column() + indent;
    RpcError::parse_error(&format_args!("not JSON: {} at line {line}, column {column}", without_place(error)))
}

/// Returns why one member of a batch cannot be read. The position within the member would mislead:
/// it is not the one in the body.
pub(super) fn in_member(error: &serde_json::Error) -> String {
    let words = without_place(error);
    if error.is_data() { words } else { format!("not JSON: {words}") }
}

fn without_place(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    words.truncate(words.strip_suffix(&place).unwrap_or(&words).len());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_value_is_quoted_only_if_it_is_short() {
        let (text, number) = (format!("\"{}\"", "ж".repeat(500)), "1".repeat(5000));
        for (json, expected) in [
            ("true", "true"),
            (" null\n", "null"),
            (r#""1.0""#, r#""1.0""#),
            ("{\"secret\":1}", "an object"),
            ("[1,2]", "an array"),
            (&text, "a string of 1002 bytes"),
            (&number, "a number of 5000 digits"),
        ] {
            assert_eq!(ReceivedValue(json).to_string(), expected);
        }
    }
}
