//! Calls whose parameters are large, and are gone through once: when their method reads them.
//!
//! To find the end of a member of an object, serde_json reads it and keeps nothing; its method then reads it again. For a
//! thousand numbers the first is a third of the work. Here the end of the parameters is told by their brackets, serde_json
//! reads the request with `{}` in their place, and whether they are JSON is found by reading them.
//!
//! This judges as reading everything twice does:
//! - JSON tells where a value ends: if the parameters are JSON, they end at the bracket that closes their first one, and if
//!   they are not, nor is the body.
//! - That the parameters stand where they were looked for is told by serde_json, which found the `{}` there.
//!
//! Only a `Deserialize` that drops an error and reads on behind it can take a mistake in the JSON along.
//!
//! Parameters that are never read, or that cannot be, are for the dispatch to have [looked
//! at](Request::not_json) before it tells any other error; so all that is not a good call at first
//! sight is none for here.

use std::ptr;

use memchr::memmem;
use serde::de::IgnoredAny;

use super::envelope::{Limits, WHITESPACE, parse};
use super::{Request, RpcError, brackets, request};

/// Where the name of the parameters is looked for. Before it are, in nearly every call, the version, the method, and the id.
const AHEAD: usize = 256;

/// Reads a call, but for its parameters, which must be most of it. `scratch` is where the rest of it is put together.
///
/// None if there is any doubt: that it is large, a call and no notification, and without a mistake.
pub(super) fn read<'a>(json: &'a str, limits: &Limits, scratch: &'a mut String) -> Option<Request<'a>> {
    if json.len() < limits.large {
        return None;
    }
    let (head, rest) = json.split_at(begin(json)?);
    let (params, tail) = rest.split_at(brackets::first_value(rest, limits.depth.checked_sub(1)?)?);
    if head.len() + tail.len() > params.len() {
        return None;
    }
    const STAND_IN: &str = "{}";
    scratch.reserve_exact(head.len() + STAND_IN.len() + tail.len());
    for part in [head, STAND_IN, tail] {
        scratch.push_str(part);
    }
    let scratch: &str = scratch;
    let request = request::read(scratch, limits).ok()?.ok()?;
    let is_here = request.params.is_some_and(|params| ptr::eq(params.as_ptr(), scratch[head.len()..].as_ptr()));
    // In some dialects null is no id.
    let is_call = request.id.is_some_and(|id| !id.is_null());
    (is_here && is_call).then_some(Request { params: Some(params), ..request })
}

/// Where the value of the first member `params` seems to begin.
fn begin(json: &str) -> Option<usize> {
    const NAME: &str = "\"params\"";
    let name = memmem::find(&json.as_bytes()[..json.len().min(AHEAD)], NAME.as_bytes())?;
    let value =
        json[name + NAME.len()..].trim_start_matches(WHITESPACE).strip_prefix(':')?.trim_start_matches(WHITESPACE);
    value.starts_with(['{', '[']).then(|| json.len() - value.len())
}

impl Request<'_> {
    /// The error that answers the whole body if the parameters of this
    /// [large](super::Envelope::Large) call are not JSON. Of all other calls this is known.
    ///
    /// They are JSON if their method could read them.
    pub(crate) fn not_json(&self, body: &[u8], limits: &Limits) -> Option<RpcError> {
        if self.params.is_none_or(|json| serde_json::from_str::<IgnoredAny>(json).is_ok()) {
            return None;
        }
        // Read once more from its beginning, so that the place of the mistake is the one in the
        // body.
        parse(body, &Limits { large: usize::MAX, ..*limits }, &mut String::new()).err()
    }
}
