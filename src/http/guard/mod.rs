//! Checks before a request reaches any path of the server's own: `Host` against DNS rebinding,
//! `Origin` against pages of other sites, and CORS for pages of allowed origins.
//!
//! Each route names its [rules](RouteRules) and answers only the requests that
//! [pass](RequestGuard::respond).

mod hosts;
mod origins;
mod respond;

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

use crate::measure::RefusedRequests;
use crate::start_error::StartError;

use super::rejection::HttpRejection;

use hosts::AllowedHosts;
use origins::{AllowedOrigins, CorsOrigin};
pub(super) use respond::RouteRules;

/// The host and origin rules of one server.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    hosts: AllowedHosts,
    origins: AllowedOrigins,
    /// The request headers that pages of other sites may send.
    allowed_headers: HeaderValue,
    refused: Arc<RefusedRequests>,
}

/// The settings for web pages of other origins.
#[derive(Debug)]
pub(crate) struct Cors<'a, T> {
    /// The origins whose pages may call. An entry `*` allows any origin.
    pub(crate) origins: &'a [T],
    /// The request headers that such a page may send, in addition to those that the server reads.
    pub(crate) headers: &'a [T],
    /// Whether `*` also applies to connections over loopback. Clients on this machine are trusted
    /// more than others, and any page in a browser on this machine can connect over loopback.
    pub(crate) any_over_loopback: bool,
}

impl RequestGuard {
    /// Builds the rules from lists of the settings, where an empty list means that it is not set.
    /// An entry `*` among the hosts allows any host.
    ///
    /// # Errors
    /// If an entry can match nothing: a host with a scheme or path, an origin without a scheme or
    /// with a path.
    pub(crate) fn new<T: AsRef<str>>(
        hosts: &[T],
        cors: &Cors<'_, T>,
        token_header: &HeaderName,
    ) -> Result<Self, StartError> {
        let own = ["content-type", "authorization", "request-timeout", token_header.as_str()];
        let names: Vec<_> = own.into_iter().chain(cors.headers.iter().map(AsRef::as_ref)).collect();
        Ok(Self {
            hosts: AllowedHosts::new(hosts)?,
            origins: AllowedOrigins::new(cors.origins, cors.any_over_loopback)?,
            allowed_headers: HeaderValue::from_str(&names.join(", ")).map_err(|_| {
                let what = format_args!("one of the headers {names:?} that pages may send is not a valid header name");
                StartError::new(what, "use letters, digits and dashes")
            })?,
            refused: Arc::default(),
        })
    }

    /// Counts here the requests that are refused.
    pub(crate) fn counting(mut self, refused: &Arc<RefusedRequests>) -> Self {
        self.refused = Arc::clone(refused);
        self
    }

    /// Admits a request, or returns the reason to reject it.
    #[inline]
    fn admit(&self, request: &HttpRequest) -> Result<CorsOrigin, HttpRejection> {
        let loopback = request.app_config().local_addr().ip().to_canonical().is_loopback();
        let host = self.hosts.admit(request, loopback)?;
        self.origins.admit(request, host.as_ref(), loopback)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HOST;
    use actix_web::test::TestRequest;

    use super::*;

    fn guard(hosts: &[&str], origins: &[&str]) -> RequestGuard {
        with_cors(hosts, &Cors { origins, headers: &[], any_over_loopback: false })
    }

    fn with_cors(hosts: &[&str], cors: &Cors<'_, &str>) -> RequestGuard {
        RequestGuard::new(hosts, cors, &HeaderName::from_static("x-api-token")).unwrap()
    }

    // actix's test requests look as if they arrived over 127.0.0.1:8080.
    fn request(headers: &[(&'static str, &str)]) -> HttpRequest {
        headers.iter().fold(TestRequest::post(), |request, &header| request.append_header(header)).to_http_request()
    }

    fn status(guard: &RequestGuard, headers: &[(&'static str, &str)]) -> u16 {
        guard.admit(&request(headers)).map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    }

    #[test]
    fn over_loopback_only_loopback_names_reach_an_endpoint_unless_set() {
        let cases: &[(&[&str], &[&str], u16)] = &[
            (&[], &["localhost:8080"], 200),
            (&[], &["127.0.0.1"], 200),
            (&[], &["[::1]:8080"], 200),
            (&[], &["rebound.evil.net:8080"], 421),
            (&[], &[], 421),
            (&[], &["localhost", "evil.net"], 421),
            (&[], &["localhost", "localhost"], 421),
            (&["*"], &["anything.net"], 200),
            (&["*"], &[], 200),
            (&["example.com"], &["Example.Com.:99"], 200),
            (&["example.com:80"], &["example.com:99"], 421),
            (&["example.com"], &["localhost"], 421),
            (&["::1", "a"], &["[::1]:5"], 200),
        ];
        for (listed, sent, expected) in cases {
            let headers: Vec<_> = sent.iter().map(|host| ("host", *host)).collect();
            assert_eq!(status(&guard(listed, &[]), &headers), *expected, "{listed:?} {sent:?}");
        }
    }

    #[test]
    fn a_whole_url_in_the_request_line_does_not_bypass_the_host_rule() {
        for (uri, expected) in [("http://evil.net/api", false), ("http://localhost/api", true)] {
            let request = TestRequest::post().uri(uri).insert_header((HOST, "localhost")).to_http_request();
            assert_eq!(guard(&[], &[]).admit(&request).is_ok(), expected, "{uri}");
        }
    }

    #[test]
    fn an_origin_is_admitted_when_it_is_the_same_or_listed() {
        let guard = guard(&[], &["https://app.example.com", "http://localhost:3000"]);
        let cases = [
            ("http://localhost:8080", 200),
            ("http://LOCALHOST:3000", 200),
            ("https://app.example.com:443", 200),
            ("http://app.example.com", 403),
            ("https://app.example.com.evil.net", 403),
            ("https://evil.net", 403),
            ("http://localhost:8081", 403),
            ("https://localhost:8080", 403),
            ("ftp://localhost:8080", 403),
            ("app+x://localhost:8080", 403),
            ("null", 403),
            ("", 403),
            ("*", 403),
        ];
        for (origin, expected) in cases {
            assert_eq!(status(&guard, &[("host", "localhost:8080"), ("origin", origin)]), expected, "{origin:?}");
        }
        let behind_tls = [
            ("https://localhost", 200),
            ("https://localhost:443", 200),
            ("http://localhost", 200),
            ("ws://localhost", 403),
        ];
        for (origin, expected) in behind_tls {
            assert_eq!(status(&guard, &[("host", "localhost"), ("origin", origin)]), expected, "{origin:?}");
        }
        let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "https://evil.net")];
        assert_eq!(status(&guard, &twice), 403);
    }

    #[test]
    fn any_origin_is_admitted_over_loopback_only_if_that_is_set() {
        for (any_over_loopback, origin, expected) in [
            (true, "https://evil.net", Some("*")),
            (true, "null", Some("*")),
            (true, "http://localhost:8080", Some("*")),
            (false, "https://evil.net", None),
            (false, "null", None),
        ] {
            let guard = with_cors(&[], &Cors { origins: &["https://a.com", "*"], headers: &[], any_over_loopback });
            let admitted = guard.admit(&request(&[("host", "localhost:8080"), ("origin", origin)])).ok();
            let expected = expected.map(|value| CorsOrigin(Some(HeaderValue::from_static(value))));
            assert_eq!(admitted, expected, "{any_over_loopback} {origin}");
            let same = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
            assert_eq!(status(&guard, &same), 200, "its own pages always may");
            assert_eq!(status(&guard, &[("host", "evil.net"), ("origin", "http://evil.net")]), 421);
        }
    }

    #[test]
    fn entries_that_can_match_nothing_stop_the_start() {
        let token = HeaderName::from_static("x-api-token");
        let none = Cors { origins: &[], headers: &[], any_over_loopback: false };
        for host in ["http://a", "a/b", "", "a:x"] {
            let error = RequestGuard::new(&[host], &none, &token).unwrap_err().to_string();
            assert!(error.contains("is not a valid host: write it as"), "{error}");
        }
        for origin in ["null", "a.com", "https://a.com/", "https://*", "*.com"] {
            let error = RequestGuard::new(&[], &Cors { origins: &[origin], ..none }, &token).unwrap_err().to_string();
            assert!(error.contains("is not a valid origin: list each site"), "{error}");
        }
    }
}
