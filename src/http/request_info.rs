//! The HTTP request as methods see it, and its id in the response.

use std::rc::Rc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::dispatch::RequestLog;
use crate::peer::network;
use crate::service::{LazyRequest, REQUEST_ID, RequestInfo, RequestSource};

use super::caller_headers::accepts_events;
use super::trusted_proxies::TrustedProxies;

/// The header with the id of a request.
pub(super) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// A request as actix-web has it.
pub(super) struct HttpSource<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) proxies: &'a TrustedProxies,
    pub(super) log: Option<&'a Rc<RequestLog>>,
}

impl RequestSource for HttpSource<'_> {
    fn describe(&self) -> RequestInfo {
        describe(self.request, self.proxies, self.log)
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

/// Returns what the log needs of a request.
pub(super) fn for_log(request: &HttpRequest) -> RequestInfo {
    let mut ids = request.headers().get_all(REQUEST_ID_HEADER);
    // Of several ids none is the request's.
    let id = ids.next().filter(|_| ids.next().is_none());
    RequestInfo::for_log(id.and_then(|id| id.to_str().ok()))
}

/// Adds the id to a response, if the log knows it and the response has none.
pub(super) fn add_id(response: &mut HttpResponse, request: &RequestInfo) {
    let id = request.known_id().and_then(|id| HeaderValue::from_str(id).ok());
    if let Some(id) = id.filter(|_| !response.headers().contains_key(REQUEST_ID_HEADER)) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
}

/// Returns the id that the response carries, if a method reads the request: the one that the client
/// sent, or one that a method asked for.
///
/// For other methods the header is not looked up, since that would cost them as much as a token
/// does.
pub(super) fn response_id(request: &LazyRequest<'_>) -> Option<HeaderValue> {
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
            let describe = || describe(&sent, &proxies, None);
            let request = LazyRequest::new(&describe);
            assert_eq!(response_id(&request), None, "nobody reads it: {lines:?}");
            request.info();
            assert_eq!(response_id(&request).as_ref().map(|id| id.to_str().unwrap()), *expected, "{lines:?}");
            let made = request.info().id().to_owned();
            assert_eq!(response_id(&request).unwrap(), *made, "{lines:?}");
        }
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
