//! The request that brought a call: its transport, its peer, its headers and its id.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use super::call_times::CallTimes;
use super::headers::RequestHeaders;
use super::{AmbientRequest, RequestNumber, TraceContext};

/// The name of the header with the id of a request, in lower case.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The names of the headers with the trace of a request, in lower case.
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";

/// Maximum length of an id that a client sends, in bytes: room for every usual format, and too
/// little to fill a log.
const MAX_ID: usize = 128;

/// What brought a call to its service.
///
/// See [`CallContext::transport`](crate::CallContext::transport).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallTransport {
    /// A call within the process: by a [`ServiceRef`](crate::ServiceRef), a typed client of one, or
    /// a message to the actor.
    InProcess,
    /// An HTTP request.
    Http,
    /// A WebSocket. Its headers are those of the request that has opened it, and so is its id,
    /// unless the call has one of its own in `_meta`.
    WebSocket,
    /// A message of NATS.
    Nats,
}

/// A request, shared by its calls: a batch has several.
pub(crate) struct RequestInfo {
    transport: CallTransport,
    peer: Option<IpAddr>,
    headers: RequestHeaders,
    /// The id, once it is known: a server makes one only if somebody asks for it.
    id: OnceLock<Arc<str>>,
    /// What the id is made of, unless the client has sent one.
    number: RequestNumber,
    /// The times of its calls, if the access log has them.
    times: Option<Arc<CallTimes>>,
    trace: Option<TraceContext>,
    /// Whether it has only what the log and traces need.
    is_brief: bool,
}

impl RequestInfo {
    /// Returns an HTTP request. `peer` is the address under which the client is counted.
    pub(crate) fn http<'a>(peer: Option<IpAddr>, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let headers = RequestHeaders::copy(headers);
        let id = headers.get(REQUEST_ID).filter(|id| is_usable_id(id)).map(|id| OnceLock::from(Arc::from(id)));
        let trace = headers.get(TRACEPARENT).and_then(|parent| TraceContext::parse(parent, headers.get(TRACESTATE)));
        let (transport, id, number) = (CallTransport::Http, id.unwrap_or_default(), RequestNumber::fresh());
        Self { transport, peer, headers, id, number, times: None, trace, is_brief: false }
    }

    /// Returns a message of NATS with these headers.
    #[cfg(feature = "nats")]
    pub(crate) fn nats<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self { transport: CallTransport::Nats, ..Self::http(None, headers) }
    }

    /// Returns what the log and traces need of a request: its id, which is that of the client if
    /// it can be used, and its trace. A method that does not read its request finds nothing else in
    /// it.
    pub(crate) fn brief(sent_id: Option<&str>, trace: Option<TraceContext>) -> Self {
        let id = sent_id.filter(|id| is_usable_id(id)).map(|id| OnceLock::from(Arc::from(id)));
        Self { id: id.unwrap_or_default(), trace, ..Self::in_process(None, None) }
    }

    /// Returns the same request as one that has only what the log and traces need.
    pub(crate) fn into_brief(self) -> Self {
        Self { is_brief: true, ..self }
    }

    /// Whether it has only what the log and traces need.
    pub(crate) fn is_brief(&self) -> bool {
        self.is_brief
    }

    /// Returns the same request with what the log knows of it: `same` is the same request as well.
    pub(crate) fn known_to_log(self, same: &Self) -> Self {
        let id = OnceLock::from(Arc::clone(same.shared_id()));
        Self { id, number: same.number, times: same.times.clone(), ..self }
    }

    /// Returns the same request under this number, if it is known.
    pub(crate) fn numbered(self, number: Option<RequestNumber>) -> Self {
        Self { number: number.unwrap_or(self.number), ..self }
    }

    /// Returns the number of the request.
    pub(crate) fn number(&self) -> RequestNumber {
        self.number
    }

    /// Returns the same request with the times of its calls.
    pub(crate) fn with_times(self) -> Self {
        Self { times: Some(Arc::default()), ..self }
    }

    /// Returns a message of the WebSocket that this request has opened, with times of its own.
    pub(crate) fn of_message(&self) -> Self {
        let id = OnceLock::from(Arc::clone(self.shared_id()));
        Self { id, times: Some(Arc::default()), ..self.copied() }
    }

    /// Returns the times of its calls, if the access log has them.
    pub(crate) fn times(&self) -> Option<&CallTimes> {
        self.times.as_deref()
    }

    /// Returns a call within the process, as a part of this trace. It has the id of `cause`, the
    /// request of the method that calls.
    pub(crate) fn in_process(cause: Option<&dyn AmbientRequest>, trace: Option<TraceContext>) -> Self {
        let id = cause.map(|cause| OnceLock::from(cause.id())).unwrap_or_default();
        let (transport, headers, number) =
            (CallTransport::InProcess, RequestHeaders::default(), RequestNumber::fresh());
        Self { transport, peer: None, headers, id, number, times: None, trace, is_brief: false }
    }

    /// Returns the same request as that of a WebSocket which it has opened.
    pub(crate) fn of_websocket(request: Self) -> Self {
        Self { transport: CallTransport::WebSocket, ..request }
    }

    /// Returns the same request with this id; `None` if the id is not one that a client may send.
    pub(crate) fn with_id(&self, id: &str) -> Option<Self> {
        is_usable_id(id).then(|| Self { id: OnceLock::from(Arc::from(id)), ..self.copied() })
    }

    /// Returns the same request as a part of this trace.
    pub(crate) fn with_trace(&self, trace: TraceContext) -> Self {
        Self { trace: Some(trace), ..self.copied() }
    }

    fn copied(&self) -> Self {
        Self {
            headers: self.headers.clone(),
            id: self.id.clone(),
            times: self.times.clone(),
            trace: self.trace.clone(),
            ..*self
        }
    }

    /// Returns the trace that the request belongs to, if its sender has said so.
    pub(crate) fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    pub(crate) fn transport(&self) -> CallTransport {
        self.transport
    }

    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Returns the size of the headers, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.headers.bytes()
    }

    /// Returns the id, and makes one if the request has none yet.
    pub(crate) fn id(&self) -> &str {
        self.shared_id()
    }

    /// Returns the id, if the client sent one or somebody asked for it.
    pub(crate) fn known_id(&self) -> Option<&str> {
        self.id.get().map(AsRef::as_ref)
    }

    pub(crate) fn shared_id(&self) -> &Arc<str> {
        self.id.get_or_init(|| self.number.id())
    }
}

impl AmbientRequest for RequestInfo {
    fn id(&self) -> Arc<str> {
        Arc::clone(self.shared_id())
    }

    fn trace(&self) -> Option<TraceContext> {
        self.trace.clone()
    }
}

impl fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestInfo")
            .field("transport", &self.transport)
            .field("peer", &self.peer)
            .field("headers", &self.headers)
            .field("id", &self.known_id())
            .field("trace", &self.trace)
            .finish()
    }
}

/// Whether an id from outside may be used: it is in logs and headers, so it has no spaces, no
/// quotes, and nothing that does not print.
fn is_usable_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(id: &str) -> RequestInfo {
        RequestInfo::http(None, [("X-Request-Id", id.as_bytes())].into_iter())
    }

    #[test]
    fn an_id_of_the_client_is_used_if_it_is_plain_and_short() {
        for id in ["1", "7f3a:9-b_c/d=", &"x".repeat(128)] {
            assert_eq!(with_id(id).id(), id);
        }
        for id in ["", "a b", "a\"b", "it's", "a`b", "a\nb", "ä", &"x".repeat(129)] {
            let request = with_id(id);
            assert_eq!(request.known_id(), None, "{id}");
            assert!(request.id() != id && is_usable_id(request.id()), "{id}");
        }
    }

    #[test]
    fn a_call_may_have_an_id_of_its_own() {
        let headers = [("x-tag", &b"a"[..]), ("x-request-id", b"1")];
        let connection = RequestInfo::of_websocket(RequestInfo::http(None, headers.into_iter()));
        let call = connection.with_id("2").unwrap();
        assert_eq!((call.id(), call.header("x-tag"), call.transport()), ("2", Some("a"), CallTransport::WebSocket));
        assert_eq!(connection.id(), "1");
        assert!(connection.with_id("two words").is_none() && connection.with_id(&"x".repeat(129)).is_none());
    }

    #[test]
    fn an_id_is_made_once_for_each_request() {
        let (one, other) = (RequestInfo::in_process(None, None), RequestInfo::in_process(None, None));
        assert_eq!(one.known_id(), None);
        assert_eq!(one.id(), one.id());
        assert_ne!(one.id(), other.id());
        assert_eq!(one.known_id(), Some(one.id()));
    }

    #[test]
    fn what_the_log_needs_of_a_request_is_its_id_alone() {
        for (sent, kept) in [(Some("7f3a"), Some("7f3a")), (Some("a b"), None), (None, None)] {
            let log = RequestInfo::brief(sent, None);
            assert_eq!((log.known_id(), log.transport(), log.bytes()), (kept, CallTransport::InProcess, 0));
            let whole = RequestInfo::http(Some(IpAddr::from([10, 0, 0, 1])), [("x-tag", &b"1"[..])].into_iter());
            let whole = whole.known_to_log(&log);
            assert_eq!((whole.id(), whole.header("x-tag")), (log.id(), Some("1")));
        }
    }

    #[test]
    fn a_call_within_the_process_has_the_id_of_its_cause_and_nothing_else() {
        let headers = [("x-tenant-id", &b"acme"[..])];
        let cause = RequestInfo::http(Some(IpAddr::from([10, 0, 0, 1])), headers.into_iter());
        let call = RequestInfo::in_process(Some(&cause), None);
        assert_eq!(call.id(), cause.id());
        assert_eq!((call.transport(), call.peer()), (CallTransport::InProcess, None));
        assert_eq!((cause.header("X-Tenant-Id"), call.header("x-tenant-id")), (Some("acme"), None));
    }

    #[test]
    fn a_request_has_the_trace_of_its_headers_unless_it_gets_another() {
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let with = |lines: &[(&'static str, &'static str)]| {
            RequestInfo::http(None, lines.iter().map(|(name, value)| (*name, value.as_bytes())))
        };
        let state = ("tracestate", "a=1");
        let request = with(&[("traceparent", sent), state, ("tracestate", "b=2")]);
        let trace = request.trace().unwrap();
        assert_eq!((trace.traceparent().as_str(), trace.tracestate()), (sent, Some("a=1, b=2")));
        assert_eq!(request.with_id("7").unwrap().trace(), Some(trace));
        assert_eq!(RequestInfo::of_websocket(with(&[("traceparent", sent)])).trace().unwrap().traceparent(), sent);
        let other = TraceContext::from_parts(1, 2, true, None).unwrap();
        assert_eq!(request.with_trace(other.clone()).trace(), Some(&other));
        for lines in [&[][..], &[state], &[("traceparent", "1")], &[("traceparent", sent), ("traceparent", sent)]] {
            assert_eq!(with(lines).trace(), None, "{lines:?}");
        }
    }

    #[test]
    fn the_values_of_headers_are_not_in_the_debug_output() {
        let headers = [("x-api-token", &b"hello_world"[..])];
        let text = format!("{:?}", RequestInfo::http(None, headers.into_iter()));
        assert!(text.contains("x-api-token") && !text.contains("hello_world"), "{text}");
    }
}
