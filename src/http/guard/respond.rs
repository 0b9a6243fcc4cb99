//! The checks that every path makes before it answers, in one order.

use actix_web::dev::Payload;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use crate::jsonrpc::Dialect;
use crate::measure::{Carrier, RefusedReason};

use super::super::allowed_methods::AllowedMethods;
use super::super::rejection::HttpRejection;
use super::super::unread_body::keep_unread_body;
use super::{CorsOrigin, RequestGuard};

/// The rules for requests to one path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteRules {
    pub(crate) methods: AllowedMethods,
    /// Whether pages of allowed origins may read the responses. If so, CORS preflight requests are
    /// answered and responses get CORS headers.
    pub(crate) cross_origin: bool,
    /// The dialect of a rejection's body.
    pub(crate) dialect: Dialect,
}

impl RequestGuard {
    /// Answers a request with `respond` if the path accepts its method, and if its host and origin
    /// are allowed. Otherwise answers with the rejection. If the request's body has not been read
    /// by then, the connection is closed after the response.
    ///
    /// An upgrade of the connection is a response of `respond` like any other, for which it takes
    /// the payload. The same rules apply.
    #[expect(clippy::manual_async_fn, reason = "an async function holds its arguments twice")]
    pub(crate) fn respond<'a, F>(
        &'a self,
        rules: RouteRules,
        request: &'a HttpRequest,
        mut payload: Payload,
        respond: F,
    ) -> impl Future<Output = HttpResponse> + use<'a, F>
    where
        F: AsyncFnOnce(&mut Payload) -> Result<HttpResponse, HttpRejection>,
    {
        async move {
            let RouteRules { methods, cross_origin, dialect } = rules;
            let answers_preflight = || cross_origin && self.origins.allow_other_sites();
            let preflight = request.method() == Method::OPTIONS && answers_preflight();
            if !preflight && !methods.contains(request.method()) {
                return self.refuse(&HttpRejection::method_not_allowed(methods, answers_preflight()), payload, dialect);
            }
            let admitted = match self.admit(request) {
                Ok(admitted) => admitted,
                Err(rejection) => return self.refuse(&rejection, payload, dialect),
            };
            let answer = if preflight { Ok(self.preflight(&admitted, methods)) } else { respond(&mut payload).await };
            let mut response = match answer {
                Ok(response) if preflight || !methods.have_bodies() => keep_unread_body(response, payload),
                Ok(response) => response,
                Err(rejection) => self.refuse(&rejection, payload, dialect),
            };
            if cross_origin {
                self.add_cors_headers(&admitted, response.headers_mut());
            }
            response
        }
    }

    /// Counts a request that is rejected, and returns the response.
    #[cold]
    fn refuse(&self, rejection: &HttpRejection, payload: Payload, dialect: Dialect) -> HttpResponse {
        let reason = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Some(RefusedReason::TooLarge),
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => Some(RefusedReason::Access),
            status if status.is_client_error() => Some(RefusedReason::Invalid),
            _ => None,
        };
        if let Some(reason) = reason {
            self.refused.add(Carrier::Http, reason);
        }
        rejection.respond(payload, dialect)
    }

    /// Returns the response to a CORS preflight request for these methods.
    fn preflight(&self, admitted: &CorsOrigin, methods: AllowedMethods) -> HttpResponse {
        let mut response = HttpResponse::NoContent().finish();
        if admitted.0.is_some() {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods.header_value()));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        response
    }

    /// Adds the headers that let the page read the response.
    fn add_cors_headers(&self, admitted: &CorsOrigin, headers: &mut HeaderMap) {
        if self.origins.allow_other_sites() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &admitted.0 {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, x-request-id"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use actix_web::http::header::{ALLOW, HeaderName, ORIGIN};
    use actix_web::test::TestRequest;
    use actix_web::web;

    use super::super::super::raw_server::{RawServer, RawServerOptions};
    use super::super::Cors;
    use super::*;

    const SITE: &str = "https://app.example.com";

    const CALLS: RouteRules =
        RouteRules { methods: AllowedMethods::Post, cross_origin: true, dialect: Dialect::Jsonrpc };
    const PAGE: RouteRules =
        RouteRules { methods: AllowedMethods::Get, cross_origin: false, dialect: Dialect::Jsonrpc };
    const DOCUMENT: RouteRules = RouteRules { cross_origin: true, ..PAGE };

    fn guard(origins: &[&str]) -> RequestGuard {
        let cors = Cors { origins, headers: &[], any_over_loopback: false };
        RequestGuard::new(&[], &cors, &HeaderName::from_static("x-api-token")).unwrap()
    }

    /// Returns the response's status, and the headers that depend on the rules.
    async fn status_and_headers(
        guard: &RequestGuard,
        rules: RouteRules,
        method: &Method,
        origin: &str,
    ) -> (u16, [Option<String>; 4]) {
        let request = TestRequest::with_uri("/").method(method.clone()).insert_header(("host", "localhost"));
        let request = if origin.is_empty() { request } else { request.insert_header((ORIGIN, origin)) };
        let respond = async |_: &mut Payload| Ok(HttpResponse::Ok().finish());
        let response = guard.respond(rules, &request.to_http_request(), Payload::None, respond).await;
        let header = |name: HeaderName| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let headers = [ALLOW, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, VARY].map(header);
        (response.status().as_u16(), headers)
    }

    #[actix_web::test]
    async fn each_path_is_answered_by_its_own_rules() {
        let (closed, open) = (guard(&[]), guard(&[SITE]));
        let (get, head, post, options) = (Method::GET, Method::HEAD, Method::POST, Method::OPTIONS);
        type Case<'a> = (&'a RequestGuard, RouteRules, &'a Method, &'a str, u16, [Option<&'a str>; 4]);
        let cases: [Case<'_>; 18] = [
            (&closed, CALLS, &post, "", 200, [None; 4]),
            (&closed, CALLS, &get, "", 405, [Some("POST"), None, None, None]),
            (&closed, CALLS, &options, "", 405, [Some("POST"), None, None, None]),
            (&closed, CALLS, &post, SITE, 403, [None; 4]),
            (&closed, DOCUMENT, &get, "", 200, [None; 4]),
            (&closed, DOCUMENT, &head, "", 200, [None; 4]),
            (&closed, DOCUMENT, &options, "", 405, [Some("GET, HEAD"), None, None, None]),
            (&open, CALLS, &post, "", 200, [None, None, None, Some("Origin")]),
            (&open, CALLS, &post, SITE, 200, [None, None, Some(SITE), Some("Origin")]),
            (&open, CALLS, &head, SITE, 405, [Some("POST, OPTIONS"), None, None, None]),
            (&open, CALLS, &options, SITE, 204, [None, Some("POST"), Some(SITE), Some("Origin")]),
            (&open, CALLS, &options, "", 204, [None, None, None, Some("Origin")]),
            (&open, CALLS, &options, "https://evil.net", 403, [None; 4]),
            (&open, DOCUMENT, &get, SITE, 200, [None, None, Some(SITE), Some("Origin")]),
            (&open, DOCUMENT, &post, SITE, 405, [Some("GET, HEAD, OPTIONS"), None, None, None]),
            (&open, DOCUMENT, &options, SITE, 204, [None, Some("GET, HEAD"), Some(SITE), Some("Origin")]),
            // Origins that may call still may not read the console's page.
            (&open, PAGE, &get, SITE, 200, [None; 4]),
            (&open, PAGE, &options, SITE, 405, [Some("GET, HEAD"), None, None, None]),
        ];
        for (guard, rules, method, origin, status, headers) in cases {
            let expected = (status, headers.map(|value| value.map(str::to_owned)));
            let name = format!("{:?} {rules:?} {method} {origin}", guard.origins);
            assert_eq!(status_and_headers(guard, rules, method, origin).await, expected, "{name}");
        }
    }

    #[actix_web::test]
    async fn a_rejection_by_the_handler_can_be_read_by_pages_of_allowed_origins() {
        let guard = guard(&[SITE]);
        let request = TestRequest::post().insert_header(("host", "localhost")).insert_header((ORIGIN, SITE));
        let respond = async |_: &mut Payload| Err(HttpRejection::draining());
        let response = guard.respond(CALLS, &request.to_http_request(), Payload::None, respond).await;
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).map(HeaderValue::as_bytes);
        assert_eq!((response.status().as_u16(), allowed), (503, Some(SITE.as_bytes())));
    }

    /// Without the guard, actix would read the body to its end.
    #[test]
    fn an_endless_unread_body_does_not_keep_the_connection_open() {
        let guard = Arc::new(guard(&[SITE]));
        let server = RawServer::start(RawServerOptions::default(), move || {
            let guard = Arc::clone(&guard);
            move |config| {
                for (path, rules) in [("/calls", CALLS), ("/page", PAGE), ("/document", DOCUMENT)] {
                    let guard = Arc::clone(&guard);
                    config.route(
                        path,
                        web::to(move |request: HttpRequest, payload: web::Payload| {
                            let guard = Arc::clone(&guard);
                            async move {
                                let respond = async |_: &mut Payload| Ok(HttpResponse::Ok().body("a page"));
                                guard.respond(rules, &request, payload.into_inner(), respond).await
                            }
                        }),
                    );
                }
            }
        });
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        for line in ["OPTIONS /calls", "GET /calls", "GET /page", "OPTIONS /page", "GET /document", "OPTIONS /document"]
        {
            let mut client = server.connect();
            client.send(format!("{line} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
            let start = Instant::now();
            while client.stream.write_all(chunk.as_bytes()).is_ok() {
                assert!(start.elapsed() < Duration::from_secs(20), "{line}");
            }
        }
    }
}
