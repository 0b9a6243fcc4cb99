//! What a caller says about a call: the member `_meta` of named parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::trace_context::TraceContext;

/// The member of named parameters that speaks about the call itself.
const META: &str = "_meta";

/// The members of an object, with values as they were written.
type Members = BTreeMap<String, Box<RawValue>>;

/// Returns the parameters with this about the call. Returns nothing for positional ones, which have
/// no place for it.
pub(crate) fn with_meta(params: Option<&RawValue>, name: &str, value: &impl Serialize) -> Option<Box<RawValue>> {
    with_members(params, Members::from([(name.to_owned(), to_raw_value(value).ok()?)]))
}

fn with_members(params: Option<&RawValue>, added: Members) -> Option<Box<RawValue>> {
    let json = params.map_or("{}", RawValue::get);
    if !json.contains(META) {
        // Nearly always there is nothing else, and the parameters need not be read for it.
        let rest = json.strip_prefix('{')?.trim_ascii_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        let added = serde_json::to_string(&added).ok()?;
        return RawValue::from_string(format!(r#"{{"{META}":{added}{comma}{rest}"#)).ok();
    }
    let mut members: Members = params.map_or_else(|| Some(Members::new()), read)?;
    let mut meta: Members = members.get(META).and_then(|meta| read(meta)).unwrap_or_default();
    meta.extend(added);
    members.insert(META.to_owned(), to_raw_value(&meta).ok()?);
    to_raw_value(&members).ok()
}

/// What a caller says of itself with each call. Over HTTP it is in headers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallerMeta<'a> {
    /// How long the caller waits, if the server cannot know.
    pub(crate) timeout: Option<Duration>,
    /// The services that wait with the caller.
    pub(crate) chain: Option<&'a str>,
    /// The id of the request that led to the call.
    pub(crate) request_id: Option<&'a str>,
    /// The trace that the call belongs to.
    pub(crate) trace: Option<&'a TraceContext>,
}

impl CallerMeta<'_> {
    /// Whether there is nothing to say.
    pub(crate) fn is_empty(&self) -> bool {
        self.timeout.is_none() && self.request_id.is_none() && self.trace.is_none()
    }

    /// Returns the parameters of a call, or of a notification, with this. Returns nothing if there
    /// is nothing to say, or no place for it.
    pub(crate) fn write_into(&self, params: Option<&RawValue>, is_call: bool) -> Option<Box<RawValue>> {
        let mut members = Members::new();
        // Nobody waits for a notification.
        if let Some(timeout) = self.timeout.filter(|_| is_call) {
            // Rounded up, since the caller itself knows better when it no longer waits.
            let millis = timeout.as_micros().div_ceil(1000).clamp(1, u64::MAX.into()) as u64;
            members.insert("timeoutMs".to_owned(), to_raw_value(&millis).ok()?);
            if let Some(chain) = self.chain {
                members.insert("chain".to_owned(), to_raw_value(chain).ok()?);
            }
        }
        if let Some(id) = self.request_id {
            members.insert("requestId".to_owned(), to_raw_value(id).ok()?);
        }
        if let Some(trace) = self.trace {
            members.insert("traceparent".to_owned(), to_raw_value(&trace.traceparent()).ok()?);
            if let Some(state) = trace.tracestate() {
                members.insert("tracestate".to_owned(), to_raw_value(state).ok()?);
            }
        }
        if members.is_empty() { None } else { with_members(params, members) }
    }
}

fn read<T: DeserializeOwned>(json: &RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_into_named_parameters_beside_what_is_there() {
        let params = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let after = |json: Option<&str>| {
            with_meta(json.map(params).as_deref(), "after", &"k3-17").map(|written| written.get().to_owned())
        };
        assert_eq!(after(None).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(after(Some("{}")).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(
            after(Some(
                r#"{"symbol":"ACME","big":12345678901234567890.50,"_meta":{"minIntervalMs":50,"after":"old"}}"#
            ))
            .unwrap(),
            r#"{"_meta":{"after":"k3-17","minIntervalMs":50},"big":12345678901234567890.50,"symbol":"ACME"}"#
        );
        assert_eq!(after(Some(r#"{"_meta":null}"#)).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(after(Some(r#"["ACME"]"#)), None);
        assert_eq!(after(Some(r#"{ "a" : 1 }"#)).unwrap(), r#"{"_meta":{"after":"k3-17"},"a" : 1 }"#);
        assert_eq!(after(Some("{ }")).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(
            after(Some(r#"{"text":"_meta","b":1}"#)).unwrap(),
            r#"{"_meta":{"after":"k3-17"},"b":1,"text":"_meta"}"#
        );
    }

    #[test]
    fn a_caller_says_what_headers_say_over_http() {
        let params = RawValue::from_string(r#"{"a":1}"#.to_owned()).unwrap();
        let written = |meta: CallerMeta<'_>, is_call| {
            meta.write_into(Some(&params), is_call).map(|written| written.get().to_owned())
        };
        let all = CallerMeta {
            timeout: Some(Duration::from_micros(1_000_001)),
            chain: Some("a,b"),
            request_id: Some("7f3a"),
            trace: None,
        };
        assert_eq!(
            written(all, true).unwrap(),
            r#"{"_meta":{"chain":"a,b","requestId":"7f3a","timeoutMs":1001},"a":1}"#
        );
        assert_eq!(written(all, false).unwrap(), r#"{"_meta":{"requestId":"7f3a"},"a":1}"#, "nobody waits");
        let over = CallerMeta { timeout: Some(Duration::ZERO), ..CallerMeta::default() };
        assert_eq!(written(over, true).unwrap(), r#"{"_meta":{"timeoutMs":1},"a":1}"#);
        assert_eq!(written(CallerMeta::default(), true), None);
        assert_eq!(over.write_into(None, true).unwrap().get(), r#"{"_meta":{"timeoutMs":1}}"#);
        let trace = TraceContext::from_parts(0xa, 0xb, true, Some("vendor=1"));
        let traced = CallerMeta { trace: trace.as_ref(), ..CallerMeta::default() };
        let sent = r#"{"_meta":{"traceparent":"00-0000000000000000000000000000000a-000000000000000b-01","#;
        assert_eq!(written(traced, false).unwrap(), format!(r#"{sent}"tracestate":"vendor=1"}},"a":1}}"#));
        let positional = RawValue::from_string("[1]".to_owned()).unwrap();
        assert!(all.write_into(Some(&positional), true).is_none());
    }
}
