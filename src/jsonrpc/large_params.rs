//! Calls with large parameters, which are read only once: when their method reads them.
//!
//! To find the end of a member of an object, serde_json reads the member and keeps nothing; the
//! method then reads it again. For a thousand numbers, the first pass is a third of the work. Here
//! the end of the parameters is found by their brackets, serde_json reads the request with `{}` in
//! their place, and whether the parameters are JSON turns out when they are read.
//!
//! This accepts the same texts as reading everything twice:
//! - JSON determines where a value ends: if the parameters are JSON, they end at the bracket that
//!   closes their first one; if they are not, the body is not JSON either.
//! - serde_json confirms that the parameters are where they were looked for: it found the `{}`
//!   there.
//!
//! Only a `Deserialize` implementation that ignores an error and reads on can let a syntax error
//! pass.
//!
//! Parameters that are never read, or cannot be, are [checked](UncheckedParams::syntax_error)
//! before the response reports any other error. So only calls that look valid at first sight are
//! handled here; everything else is read as a whole.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;

use super::envelope::{Limits, WHITESPACE};
use super::{Id, RpcError, RpcRequest, nesting, request, request_fault};

/// Minimum size of a request, in bytes, for which reading the parameters once saves more time than
/// finding their end takes.
pub(super) const MIN_BYTES: usize = 1024;

/// Number of bytes in which the name of the parameters is searched. In nearly every call only the
/// version, the method, and the id come before it.
const PARAMS_SEARCH_BYTES: usize = 256;

/// Placeholder for the parameters while everything else is read.
const PLACEHOLDER: &str = "{}";

/// A body of which everything but the parameters is known to be JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct UncheckedParams<'a>(&'a str);

#[cfg(feature = "nats")]
impl<'a> UncheckedParams<'a> {
    /// Returns those of a request whose parameters came alone.
    pub(super) fn alone(params: &'a str) -> Self {
        Self(params)
    }
}

impl UncheckedParams<'_> {
    /// Returns the error that answers the whole body if its parameters are not JSON.
    #[cold]
    pub(super) fn syntax_error(self) -> Option<RpcError> {
        let Self(text) = self;
        let json = text.trim_start_matches(WHITESPACE);
        // The whole body, so that the reported position is the one in the body.
        let error = serde_json::from_str::<IgnoredAny>(json).err()?;
        Some(request_fault::not_json(text, json, &error))
    }
}

/// Reads the call in a body except for its parameters, which must be most of it.
///
/// Returns `None` if there is any doubt that it is a valid call, and not a notification.
pub(super) fn read<'a>(body: &'a str, limits: &Limits) -> Option<RpcRequest<'a>> {
    let json = body.trim_start_matches(WHITESPACE);
    let (head, rest) = json.split_at(begin(json)?);
    let (params, tail) = rest.split_at(nesting::first_value_len(rest, limits.depth.checked_sub(1)?)?);
    if head.len() + tail.len() > params.len() {
        return None;
    }
    let short = [head, PLACEHOLDER, tail].concat();
    let RpcRequest { method, params: placeholder, id, .. } = request::read(&short, limits).ok()?.ok()?;
    if offset(&short, placeholder?)? != head.len() {
        return None;
    }
    // The request must borrow from the body, and not from the shorter text.
    let in_body = |part: &str| {
        let at = offset(&short, part)?;
        let at = if at < head.len() { at } else { at + params.len() - PLACEHOLDER.len() };
        json.get(at..at + part.len()).filter(|found| *found == part)
    };
    let method = match method {
        Cow::Borrowed(method) => Cow::Borrowed(in_body(method)?),
        Cow::Owned(method) => Cow::Owned(method),
    };
    let id = Id::from_json(in_body(id?.as_json())?, limits.id).ok()?;
    let request = RpcRequest { method, params: Some(params), id: Some(id), unchecked: Some(UncheckedParams(body)) };
    // In some dialects a null id makes this a notification.
    (!id.is_null()).then_some(request)
}

/// Returns where the value of the first member `params` seems to begin.
fn begin(json: &str) -> Option<usize> {
    const NAME: &str = "\"params\"";
    let name = memmem::find(&json.as_bytes()[..json.len().min(PARAMS_SEARCH_BYTES)], NAME.as_bytes())?;
    let value =
        json[name + NAME.len()..].trim_start_matches(WHITESPACE).strip_prefix(':')?.trim_start_matches(WHITESPACE);
    value.starts_with(['{', '[']).then(|| json.len() - value.len())
}

/// Returns the offset of a part of a text.
fn offset(text: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(text.as_ptr().addr())
}
