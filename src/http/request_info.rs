//! The HTTP request as methods see it, and its id in the response.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::peer::network;
use crate::service::{LazyRequest, REQUEST_ID, RequestInfo};

use super::trusted_proxies::TrustedProxies;

/// The header with the id of a request.
pub(super) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Describes a request.
pub(super) fn describe(request: &HttpRequest, proxies: &TrustedProxies) -> RequestInfo {
    // The map keeps the values of a repeated header together.
    let lines = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    RequestInfo::http(proxies.client_address(request).map(network), lines)
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
            let describe = || describe(&sent, &proxies);
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
        let info = describe(&sent, &TrustedProxies::default());
        assert_eq!((info.header("X-Tag"), info.header("x-other")), (Some("1, 2"), Some("3")));
        assert_eq!(info.peer(), Some("2001:db8:1:2::".parse().unwrap()));
    }
}
