//! Requests of transports that carry method and parameters apart, without an envelope, and the
//! responses that they send without one.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

use super::envelope::{Limits, WHITESPACE};
use super::large_params::UncheckedParams;
use super::request_fault::{self, RequestFault};
use super::{Id, RpcError, RpcRequest, nesting};

impl<'a> RpcRequest<'a> {
    /// Makes a request of its parts. The parameters are an object or an array as JSON, or empty.
    /// That they are JSON turns out when they are read.
    ///
    /// # Errors
    /// If they are not UTF-8, nest too deep, or are something else.
    pub(crate) fn of_parts(
        method: &'a str,
        params: &'a [u8],
        is_call: bool,
        limits: &Limits,
    ) -> Result<Self, RpcError> {
        let text = std::str::from_utf8(params).map_err(|error| request_fault::not_utf8(&error))?;
        let json = text.trim_matches(WHITESPACE);
        let id = is_call.then_some(Id::NULL);
        let request = Self { method: Cow::Borrowed(method), params: None, id, unchecked: None };
        match json.as_bytes() {
            b"" | b"null" => Ok(request),
            // Nothing may follow them. As in a request object, which is a level, too.
            [b'{' | b'[', ..] if nesting::first_value_len(json, limits.depth.saturating_sub(1)) == Some(json.len()) => {
                Ok(Self { params: Some(json), unchecked: Some(UncheckedParams::alone(text)), ..request })
            }
            [b'{' | b'[', ..] if nesting::exceeds_depth(json, limits.depth.saturating_sub(1)) => {
                Err(request_fault::not_json(text, json, &nesting::too_deep(json, 1, limits.depth)))
            }
            _ => Err(match serde_json::from_str(json) {
                Ok(IgnoredAny) => RpcError::invalid_request(&RequestFault::Params(json)),
                Err(error) => request_fault::not_json(text, json, &error),
            }),
        }
    }
}

/// Returns where in the response to such a request, which has no id, the result is, or the error
/// object.
pub(crate) fn payload_range(response: &[u8], is_error: bool) -> Range<usize> {
    let begin = if is_error { r#"{"jsonrpc":"2.0","error":"# } else { r#"{"jsonrpc":"2.0","result":"# };
    begin.len()..response.len() - r#","id":null}"#.len()
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, Draft, MAX_DEPTH};
    use super::*;

    const LIMITS: Limits = Limits { members: 1, depth: MAX_DEPTH, id: 64 };

    #[test]
    fn parameters_are_an_object_an_array_or_nothing() {
        let params = |text: &'static str| RpcRequest::of_parts("add", text.as_bytes(), true, &LIMITS);
        for (text, expected) in [
            ("", None),
            (" \n", None),
            ("null", None),
            ("{}", Some("{}")),
            (" [1, 2]\n", Some("[1, 2]")),
            ("{x}", Some("{x}")),
        ] {
            assert_eq!(params(text).unwrap().params, expected, "{text}");
        }
        for (text, code) in
            [("1", -32600), ("\"a\"", -32600), ("hello", -32700), ("1 2", -32700), ("[1],[2]", -32700), ("{", -32700)]
        {
            assert_eq!(params(text).unwrap_err().code(), code, "{text}");
        }
        let deep = "[".repeat(MAX_DEPTH);
        for bytes in [&b"\xff"[..], deep.as_bytes()] {
            assert_eq!(RpcRequest::of_parts("add", bytes, true, &LIMITS).unwrap_err().code(), -32700);
        }
        assert!(params("").unwrap().id.is_some_and(Id::is_null));
        assert!(RpcRequest::of_parts("add", b"", false, &LIMITS).unwrap().id.is_none());
    }

    #[test]
    fn a_payload_is_what_stands_between_the_members_of_the_envelope() {
        let request = RpcRequest::of_parts("add", b"{\"a\":}", true, &LIMITS).unwrap();
        let mut body = Vec::new();
        let draft = Draft::reply(Dialect::Jsonrpc, Id::NULL, &request, &mut body);
        body.extend_from_slice(b"[1]");
        assert!(draft.close(&mut body, Ok(())).is_none());
        assert_eq!(&body[payload_range(&body, false)], b"[1]");
        let mut body = Vec::new();
        let draft = Draft::reply(Dialect::Jsonrpc, Id::NULL, &request, &mut body);
        let error = draft.close(&mut body, Err(RpcError::invalid_params(None, "no"))).unwrap();
        assert_eq!(error.code(), -32700, "what is not JSON outweighs everything else");
        assert_eq!(&body[payload_range(&body, true)], &error.to_json()[..]);
    }
}
