//! The HTTP request as methods see it, and its id in the response.

use std::rc::Rc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::dispatch::RequestLog;
use crate::jsonrpc::code;
use crate::peer::network;
use crate::service::{DescribeRequest, LazyRequest, REQUEST_ID, RequestInfo, TRACEPARENT, TRACESTATE, TraceContext};

use super::caller_headers::accepts_events;
use super::trusted_proxies::TrustedProxies;

/// The header with the id of a request.
pub(super) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static(TRACEPARENT);
const TRACESTATE_HEADER: HeaderName = HeaderName::from_static(TRACESTATE);

/// An HTTP request, of which somebody may need a description.
pub(super) struct HttpDescription<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) proxies: &'a TrustedProxies,
    pub(super) log: Option<&'a Rc<RequestLog>>,
}

impl DescribeRequest for HttpDescription<'_> {
    fn whole(&self) -> RequestInfo {
        describe(self.request, self.proxies, self.log)
    }

    fn brief(&self) -> RequestInfo {
        brief(self.request)
    }

    fn trace(&self) -> Option<TraceContext> {
        trace(self.request)
    }

    fn takes_events(&self) -> bool {
        accepts_events(self.request.headers())
    }
}

/// Describes a request, with the id that the log knows.
pub(super) fn describe(request: &HttpRequest, proxies: &TrustedProxies, log: Option<&Rc<RequestLog>>) -> RequestInfo {
    // The map keeps the values of a repeated header together.
    let lines = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let described = RequestInfo::http(proxies.client_address(request).map(network), lines);
    match log {
        Some(log) => described.known_to_log(log.request()),
        None => described,
    }
}

/// Returns what the log and traces need of a request.
pub(super) fn brief(request: &HttpRequest) -> RequestInfo {
    let mut ids = request.headers().get_all(REQUEST_ID_HEADER);
    // Of several ids none is the request's.
    let id = ids.next().filter(|_| ids.next().is_none());
    RequestInfo::brief(id.and_then(|id| id.to_str().ok()), trace(request))
}

/// Returns the trace that a request belongs to, if its sender has said so.
fn trace(request: &HttpRequest) -> Option<TraceContext> {
    let headers = request.headers();
    let mut parents = headers.get_all(TRACEPARENT_HEADER);
    // Of several parents none is the request's.
    let parent = parents.next().filter(|_| parents.next().is_none())?.to_str().ok()?;
    let states: Result<Vec<_>, _> = headers.get_all(TRACESTATE_HEADER).map(HeaderValue::to_str).collect();
    TraceContext::parse(parent, states.ok().map(|states| states.join(",")).as_deref())
}

/// Adds the id to a response, if the log knows it and the response has none.
pub(super) fn add_id(response: &mut HttpResponse, request: &RequestInfo) {
    let id = request.known_id().and_then(|id| HeaderValue::from_str(id).ok());
    if let Some(id) = id.filter(|_| !response.headers().contains_key(REQUEST_ID_HEADER)) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
}

/// Returns the id that the response carries: that of an internal error, under which the log has the
/// cause, or else the one that was sent or asked for, if a method reads the request.
pub(super) fn response_id(request: &LazyRequest<'_>, error: Option<i32>) -> Option<HeaderValue> {
    if error == Some(code::INTERNAL) {
        return HeaderValue::from_str(&request.id()).ok();
    }
    HeaderValue::from_str(request.known_info()?.known_id()?).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(lines: &[(&'static str, &str)]) -> TestRequest {
        lines.iter().fold(TestRequest::default(), |request, header| request.append_header(*header))
    }

    #[test]
    fn a_response_has_the_id_that_was_sent_or_made_once_a_method_reads_the_request() {
        type Lines = &'static [(&'static str, &'static str)];
        let table: &[(Lines, Option<&str>)] = &[
            (&[], None),
            (&[("x-request-id", "7f3a")], Some("7f3a")),
            (&[("x-request-id", "a b")], None),
            (&[("x-request-id", "1"), ("x-request-id", "2")], None),
        ];
        for (lines, expected) in table {
            let sent = request(lines).to_http_request();
            let proxies = TrustedProxies::default();
            let described = HttpDescription { request: &sent, proxies: &proxies, log: None };
            let request = LazyRequest::new(&described);
            assert_eq!(response_id(&request, None), None, "nobody reads it: {lines:?}");
            let of_error = response_id(&request, Some(code::INTERNAL)).expect("an id");
            request.info();
            assert_eq!(response_id(&request, None).as_ref().map(|id| id.to_str().unwrap()), *expected, "{lines:?}");
            let made = request.info().id().to_owned();
            assert_eq!(response_id(&request, None).unwrap(), *made, "{lines:?}");
            assert!(expected.is_some() || of_error == *made, "there is one id: {lines:?}");
        }
    }

    #[test]
    fn the_trace_is_that_of_one_header_and_of_all_lines_of_the_other() {
        let parent = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let states = [("tracestate", "a=1"), ("tracestate", "b=2")];
        let read = trace(&request(&[parent, states[0], states[1]]).to_http_request()).unwrap();
        assert_eq!((read.traceparent().as_str(), read.tracestate()), (parent.1, Some("a=1,b=2")));
        for lines in [&[][..], &states, &[parent, parent], &[("traceparent", "ü")]] {
            assert_eq!(trace(&request(lines).to_http_request()), None, "{lines:?}");
        }
        let sent = request(&[parent, states[0]]).to_http_request();
        let proxies = TrustedProxies::default();
        let described = HttpDescription { request: &sent, proxies: &proxies, log: None };
        assert_eq!(described.whole().trace(), described.trace().as_ref());
        assert_eq!(described.brief().trace(), described.trace().as_ref());
    }

    #[test]
    fn repeated_headers_and_the_peer_are_those_of_the_request() {
        let sent = request(&[("x-tag", "1"), ("x-other", "3"), ("x-tag", "2")]);
        let sent = sent.peer_addr("[2001:db8:1:2:3:4:5:6]:80".parse().unwrap()).to_http_request();
        let info = describe(&sent, &TrustedProxies::default(), None);
        assert_eq!((info.header("X-Tag"), info.header("x-other")), (Some("1, 2"), Some("3")));
        assert_eq!(info.peer(), Some("2001:db8:1:2::".parse().unwrap()));
    }
}
