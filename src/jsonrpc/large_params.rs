//! Calls whose parameters are large, and are gone through once: when their method reads them.
//!
//! To find the end of a member of an object, serde_json reads it and keeps nothing; its method then
//! reads it again. For a thousand numbers the first is a third of the work. Here the end of the
//! parameters is told by their brackets, serde_json reads the request with `{}` in their place, and
//! whether they are JSON is found by reading them.
//!
//! This judges as reading everything twice does:
//! - JSON tells where a value ends: if the parameters are JSON, they end at the bracket that closes
//!   their first one, and if they are not, nor is the body.
//! - That the parameters stand where they were looked for is told by serde_json, which found the
//!   `{}` there.
//!
//! Only a `Deserialize` that drops an error and reads on behind it can take a syntax_error in the JSON
//! along.
//!
//! Parameters that are never read, or that cannot be, are [looked at](UncheckedParams::syntax_error) before the
//! answer tells any other error; so all that is not a good call at first sight is none for here.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;

use super::envelope::{Limits, WHITESPACE};
use super::{Id, Request, RpcError, nesting, request, request_fault};

/// Size of a request, in bytes, from which on going through the parameters once saves more time
/// than finding their end takes.
pub(super) const MIN_BYTES: usize = 1024;

/// Number of bytes in which the name of the parameters is looked for. Before it are, in nearly
/// every call, the version, the method, and the id.
const PARAMS_SEARCH_BYTES: usize = 256;

/// What stands in for the parameters while all else is read.
const PLACEHOLDER: &str = "{}";

/// A body of which all but the parameters is known to be JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct UncheckedParams<'a>(&'a str);

impl UncheckedParams<'_> {
    /// The error that answers the whole body if its parameters are not JSON.
    #[cold]
    pub(super) fn syntax_error(self) -> Option<RpcError> {
        let Self(text) = self;
        let json = text.trim_start_matches(WHITESPACE);
        // All of it, so that the place of the syntax_error is the one in the body.
        let error = serde_json::from_str::<IgnoredAny>(json).err()?;
        Some(request_fault::not_json(text, json, &error))
    }
}

/// Reads the call in a body, but for its parameters, which must be most of it.
///
/// `None` if there is any doubt that it is a call and no notification, and without a syntax_error.
pub(super) fn read<'a>(body: &'a str, limits: &Limits) -> Option<Request<'a>> {
    let json = body.trim_start_matches(WHITESPACE);
    let (head, rest) = json.split_at(begin(json)?);
    let (params, tail) = rest.split_at(nesting::first_value_len(rest, limits.depth.checked_sub(1)?)?);
    if head.len() + tail.len() > params.len() {
        return None;
    }
    let short = [head, PLACEHOLDER, tail].concat();
    let Request { method, params: placeholder, id, .. } = request::read(&short, limits).ok()?.ok()?;
    if offset(&short, placeholder?)? != head.len() {
        return None;
    }
    // The request borrows from the body, and not from the shorter one.
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
    let request = Request { method, params: Some(params), id: Some(id), unchecked: Some(UncheckedParams(body)) };
    // In some dialects null is no id, and then this is a notification.
    (!id.is_null()).then_some(request)
}

/// Where the value of the first member `params` seems to begin.
fn begin(json: &str) -> Option<usize> {
    const NAME: &str = "\"params\"";
    let name = memmem::find(&json.as_bytes()[..json.len().min(PARAMS_SEARCH_BYTES)], NAME.as_bytes())?;
    let value =
        json[name + NAME.len()..].trim_start_matches(WHITESPACE).strip_prefix(':')?.trim_start_matches(WHITESPACE);
    value.starts_with(['{', '[']).then(|| json.len() - value.len())
}

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(text.as_ptr().addr())
}
