//! What a caller says about a call beside its parameters: the member `_meta` of named parameters.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::LazyLock;

use callbox_client::TraceContext;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::RpcError;

/// The name of the member.
const META: &str = "_meta";

/// What a caller says about one call. Members that are not listed are for others.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CallMeta<'a> {
    /// Asks for reports of the progress, which have this token.
    #[serde(borrow)]
    pub(crate) progress_token: Option<&'a RawValue>,
    /// A cursor: the subscription continues after this item.
    #[serde(borrow)]
    pub(crate) after: Option<Cow<'a, str>>,
    /// The subscription sends at most one item in this time, the newest.
    pub(crate) min_interval_ms: Option<u64>,
    /// How long the caller waits for the response, as the header `Request-Timeout` says over HTTP.
    pub(crate) timeout_ms: Option<u64>,
    /// The services that wait for the response, as in the header `Callbox-Chain`.
    #[serde(borrow)]
    pub(crate) chain: Option<Cow<'a, str>>,
    /// The id of the request, as in the header `X-Request-Id`.
    #[serde(borrow)]
    pub(crate) request_id: Option<Cow<'a, str>>,
    /// The trace that the call belongs to, as in the headers `traceparent` and `tracestate`. Raw,
    /// since one that is malformed in whatever way counts as not sent.
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow)]
    tracestate: Option<&'a RawValue>,
}

impl<'a> CallMeta<'a> {
    /// Reads it from the parameters of a call.
    ///
    /// # Errors
    /// -32602 if there is something under this name that cannot be read.
    pub(crate) fn of(params: Option<&'a str>) -> Result<Self, RpcError> {
        #[derive(Deserialize)]
        struct WithMeta<'a> {
            #[serde(borrow, rename = "_meta")]
            meta: Option<&'a RawValue>,
        }
        // Nearly all calls have none, and pay this search alone.
        let named = params.filter(|params| params.starts_with('{'));
        let Some(params) = named.filter(|params| may_have_meta(params.as_bytes())) else {
            return Ok(Self::default());
        };
        let unreadable =
            |error: &dyn Display| RpcError::invalid_params(Some(META), &format!("cannot be read: {error}"));
        let WithMeta { meta } = serde_json::from_str(params).map_err(|error| unreadable(&error))?;
        let Some(meta) = meta.map(RawValue::get) else { return Ok(Self::default()) };
        // A struct would be read from an array as well.
        if !meta.starts_with('{') {
            return Err(unreadable(&"it is not an object"));
        }
        serde_json::from_str(meta).map_err(|error| unreadable(&error))
    }

    /// Returns the trace that the call belongs to, if the caller says so.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        let text = |json: &'a RawValue| serde_json::from_str::<Cow<'a, str>>(json.get()).ok();
        let state = self.tracestate.and_then(text);
        TraceContext::parse(&self.traceparent.and_then(text)?, state.as_deref())
    }
}

/// Whether there may be such a member in this JSON: it has the name somewhere.
#[inline]
pub(crate) fn may_have_meta(json: &[u8]) -> bool {
    // Prepared once: for a short text that takes longer than the search.
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(META));
    NAME.find(json).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: &str) -> (Option<&str>, Option<String>, Option<u64>) {
        let meta = CallMeta::of(Some(params)).unwrap();
        (meta.progress_token.map(RawValue::get), meta.after.map(Cow::into_owned), meta.min_interval_ms)
    }

    #[test]
    fn it_is_a_member_of_named_parameters() {
        assert_eq!(read(r#"{"a":1,"_meta":{"progressToken":[1],"b":2}}"#), (Some("[1]"), None, None));
        assert_eq!(
            read(r#"{"_meta":{"after":"k\u0033-17","minIntervalMs":50}}"#),
            (None, Some("k3-17".into()), Some(50))
        );
        for none in
            [r#"{"a":"_meta"}"#, r#"{"a":{"_meta":{"after":"x"}}}"#, r#"[{"_meta":{}}]"#, "{}", r#"{"_meta":null}"#]
        {
            assert_eq!(read(none), (None, None, None), "{none}");
        }
    }

    #[test]
    fn it_says_what_headers_say_over_http() {
        let meta = CallMeta::of(Some(r#"{"_meta":{"timeoutMs":1500,"chain":"a,b","requestId":"7f\u0033a"}}"#)).unwrap();
        assert_eq!(
            (meta.timeout_ms, meta.chain.as_deref(), meta.request_id.as_deref()),
            (Some(1500), Some("a,b"), Some("7f3a"))
        );
    }

    #[test]
    fn a_trace_that_is_malformed_counts_as_not_sent() {
        let trace = |meta: &str| CallMeta::of(Some(&format!(r#"{{"_meta":{meta}}}"#))).unwrap().trace();
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = trace(&format!(r#"{{"traceparent":"{sent}","tracestate":"a=\u0031"}}"#)).unwrap();
        assert_eq!((read.traceparent().as_str(), read.tracestate()), (sent, Some("a=1")));
        let read = trace(&format!(r#"{{"traceparent":"{sent}","tracestate":["a=1"]}}"#)).unwrap();
        assert_eq!(read.tracestate(), None);
        for malformed in [
            "{}",
            r#"{"traceparent":null}"#,
            r#"{"traceparent":7}"#,
            r#"{"traceparent":{"a":[]}}"#,
            r#"{"traceparent":"00-0-0-00"}"#,
            r#"{"tracestate":"a=1"}"#,
            r#"{"traceparent":"\ud800"}"#,
        ] {
            assert_eq!(trace(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_of_the_parameters() {
        for broken in [
            r#"{"_meta":1}"#,
            r#"{"_meta":[1,"x"]}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":{"after":1}}"#,
            r#"{"_meta":{"minIntervalMs":-1}}"#,
            r#"{"_meta":{"timeoutMs":"1s"}}"#,
            r#"{"_meta":{"chain":["a"]}}"#,
            r#"{"_meta":{"requestId":7}}"#,
        ] {
            let error = CallMeta::of(Some(broken)).unwrap_err();
            assert_eq!(error.code(), -32602, "{broken}");
        }
    }
}
