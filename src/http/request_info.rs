//! The HTTP request as methods see it, and its id in the response.

use std::net::IpAddr;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::peer::network;
use crate::service::{LazyRequest, REQUEST_ID, RequestInfo, is_usable_id};

/// The header with the id of a request.
pub(super) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Describes a request from this peer with these headers.
pub(super) fn describe(peer: Option<IpAddr>, headers: &HeaderMap) -> RequestInfo {
    // The map keeps the values of a repeated header together.
    let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    RequestInfo::http(peer.map(network), lines)
}

/// Returns the id that the response carries: the one that the client sent, or one that a method
/// asked for. No id is made for the response alone.
pub(super) fn response_id(request: &LazyRequest<'_>, headers: &HeaderMap) -> Option<HeaderValue> {
    match request.known_info() {
        Some(info) => HeaderValue::from_str(info.known_id()?).ok(),
        None => {
            let mut sent = headers.get_all(REQUEST_ID_HEADER);
            let id = sent.next().filter(|_| sent.next().is_none())?;
            id.to_str().is_ok_and(is_usable_id).then(|| id.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let lines =
            lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        lines.collect()
    }

    #[test]
    fn a_response_has_the_id_of_the_client_whether_or_not_a_method_reads_the_request() {
        type Lines = &'static [(&'static str, &'static str)];
        let table: &[(Lines, Option<&str>)] = &[
            (&[], None),
            (&[("x-request-id", "7f3a")], Some("7f3a")),
            (&[("x-request-id", "a b")], None),
            (&[("x-request-id", "1"), ("x-request-id", "2")], None),
        ];
        for (lines, expected) in table {
            let headers = headers(lines);
            let describe = || describe(None, &headers);
            let request = LazyRequest::new(&describe);
            let unread = response_id(&request, &headers);
            request.info();
            for id in [unread, response_id(&request, &headers)] {
                assert_eq!(id.as_ref().map(|id| id.to_str().unwrap()), *expected, "{lines:?}");
            }
            let made = request.info().id().to_owned();
            assert_eq!(response_id(&request, &headers).unwrap(), *made, "{lines:?}");
        }
    }

    #[test]
    fn repeated_headers_and_the_peer_are_those_of_the_request() {
        let headers = headers(&[("x-tag", "1"), ("x-other", "3"), ("x-tag", "2")]);
        let info = describe(Some("2001:db8:1:2:3:4:5:6".parse().unwrap()), &headers);
        assert_eq!((info.header("X-Tag"), info.header("x-other")), (Some("1, 2"), Some("3")));
        assert_eq!(info.peer(), Some("2001:db8:1:2::".parse().unwrap()));
    }
}
