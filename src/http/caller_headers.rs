//! The headers of a call: the token of the caller, the time for which it waits, the services that
//! wait with it, and whether it takes events.

use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::service::REQUEST_ID;

use super::accept;

/// The header in which a caller may set a shorter deadline than the method's own.
pub(crate) const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static(TIMEOUT);

const TIMEOUT: &str = "request-timeout";

/// Which of the headers that few requests have are there.
///
/// Looking up three names costs more than going over all names of a usual request once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SentHeaders {
    pub(super) request_id: bool,
    pub(super) timeout: bool,
    pub(super) token: bool,
}

impl SentHeaders {
    /// Goes over the names. `named` is the header that the settings name for tokens.
    #[inline]
    pub(super) fn of(headers: &HeaderMap, named: &HeaderName) -> Self {
        let mut sent = Self::default();
        for name in headers.keys() {
            match name.as_str() {
                REQUEST_ID => sent.request_id = true,
                TIMEOUT => sent.timeout = true,
                "authorization" => sent.token = true,
                _ => {}
            }
            // Any of the names above may be that of the settings.
            sent.token |= name == named;
        }
        sent
    }
}

/// The media type of server-sent events.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// Whether a client takes events. `*/*` does not count: every client sends that.
pub(super) fn accepts_events(headers: &HeaderMap) -> bool {
    accept::quality(headers, EVENT_STREAM) > 0
}

/// Returns the token, from the header that the settings name or from `Authorization: Bearer …`.
///
/// A request may carry both, or one of them twice, if all tokens are equal. If they differ, or if
/// one is not readable as text, the request counts as sent without a token. So a proxy that checks
/// one of the headers cannot be made to pass on another token in the other header.
pub(crate) fn token<'a>(headers: &'a HeaderMap, named: &HeaderName) -> Option<&'a str> {
    let mut sent = tokens(headers, named);
    let token = sent.next()??;
    sent.all(|other| other == Some(token)).then_some(token)
}

/// Whether a header carries a token, even if it does not count.
pub(crate) fn has_token(headers: &HeaderMap, named: &HeaderName) -> bool {
    tokens(headers, named).next().is_some()
}

/// Returns all tokens that are not empty. `None` is one that is not readable as text.
fn tokens<'a>(headers: &'a HeaderMap, named: &HeaderName) -> impl Iterator<Item = Option<&'a str>> {
    let named = headers.get_all(named).filter(|_| *named != AUTHORIZATION).map(|value| value.to_str().ok());
    named.chain(headers.get_all(AUTHORIZATION).filter_map(bearer)).filter(|token| *token != Some(""))
}

/// Returns `None` if the header holds something other than a bearer token, and `Some(None)` if the
/// token is not readable as text.
fn bearer(value: &HeaderValue) -> Option<Option<&str>> {
    let bytes = value.as_bytes();
    let scheme = bytes.split(|&b| b == b' ').next().unwrap_or(bytes);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| {
        let text = value.to_str().ok()?;
        Some(text[scheme.len()..].trim_matches(' '))
    })
}

/// Returns the time for which the caller waits, from a header such as `Request-Timeout: 1.5`, in
/// seconds.
///
/// Anything but one positive decimal number is ignored: the header can only shorten the method's
/// deadline, which applies anyway.
pub(crate) fn request_timeout(headers: &HeaderMap) -> Option<Duration> {
    let mut sent = headers.get_all(REQUEST_TIMEOUT);
    let text = sent.next().filter(|_| sent.next().is_none())?.to_str().ok()?;
    // `f64` would also parse `inf`, `nan`, signs and exponents.
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|timeout| !timeout.is_zero())
}

/// The header with the services of other processes that wait for the response.
const CHAIN: HeaderName = HeaderName::from_static("callbox-chain");

/// Returns the services that wait for the response, as a client of callbox names them.
pub(crate) fn chain(headers: &HeaderMap) -> Option<&str> {
    headers.get(CHAIN)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::ACCEPT;

    use super::*;

    const NAMED: HeaderName = HeaderName::from_static("x-api-token");

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_pass_finds_what_look_ups_find() {
        let names = ["x-request-id", "request-timeout", "authorization", "x-api-token", "content-type", "x-api-tokens"];
        for chosen in 0_u8..1 << names.len() {
            let lines: Vec<_> =
                (0..names.len()).filter(|at| chosen & 1 << at != 0).map(|at| (names[at], &b"1"[..])).collect();
            let headers = headers(&lines);
            for named in [NAMED, AUTHORIZATION, REQUEST_TIMEOUT] {
                let sent = SentHeaders::of(&headers, &named);
                let token = headers.contains_key(&named) || headers.contains_key(AUTHORIZATION);
                let (request_id, timeout) = (headers.contains_key(REQUEST_ID), headers.contains_key(REQUEST_TIMEOUT));
                assert_eq!(sent, SentHeaders { request_id, timeout, token }, "{lines:?} {named}");
            }
        }
    }

    #[test]
    fn only_a_client_that_names_the_type_takes_events() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("application/json, Text/Event-Stream;q=0.5", true),
            ("*/*", false),
            ("text/*", false),
            ("application/json", false),
            ("text/event-streams", false),
            ("text/event-stream;q=0", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts_events(&headers), expected, "{accept}");
        }
        assert!(!accepts_events(&HeaderMap::new()));
    }

    #[test]
    fn a_token_comes_from_either_header_and_must_be_one() {
        type HeaderLines = &'static [(&'static str, &'static [u8])];
        let table: &[(HeaderLines, Option<&str>)] = &[
            (&[], None),
            (&[("x-api-token", b"t")], Some("t")),
            (&[("authorization", b"Bearer t")], Some("t")),
            (&[("authorization", b"bEARER   t ")], Some("t")),
            (&[("authorization", b"Bearer")], None),
            (&[("authorization", b"Basic dTpw")], None),
            (&[("authorization", b"BearerX t")], None),
            (&[("authorization", b"t")], None),
            (&[("authorization", b"Basic dTpw"), ("x-api-token", b"t")], Some("t")),
            (&[("authorization", b"Bearer t"), ("x-api-token", b"t")], Some("t")),
            (&[("authorization", b"Bearer u"), ("x-api-token", b"t")], None),
            (&[("x-api-token", b"t"), ("x-api-token", b"t")], Some("t")),
            (&[("x-api-token", b"t"), ("x-api-token", b"u")], None),
            (&[("authorization", b"Bearer t"), ("authorization", b"Bearer u")], None),
            (&[("x-api-token", b""), ("authorization", b"Bearer t")], Some("t")),
            (&[("x-api-token", b"")], None),
            (&[("x-api-token", b"\xff")], None),
            (&[("x-api-token", b"\xff"), ("authorization", b"Bearer t")], None),
            (&[("x-api-token", b"t"), ("authorization", b"Bearer \xff")], None),
        ];
        for (lines, expected) in table {
            let headers = headers(lines);
            assert_eq!(token(&headers, &NAMED), *expected, "{lines:?}");
            assert!(expected.is_none() || has_token(&headers, &NAMED), "{lines:?}");
        }
    }

    #[test]
    fn a_token_that_does_not_count_was_still_sent() {
        let unreadable: &[(&'static str, &[u8])] = &[("x-api-token", b"\xff")];
        let different: &[(&'static str, &[u8])] = &[("x-api-token", b"t"), ("authorization", b"Bearer u")];
        let empty: &[(&'static str, &[u8])] = &[("x-api-token", b""), ("authorization", b"Basic dTpw")];
        for (lines, expected) in [(unreadable, true), (different, true), (empty, false)] {
            assert_eq!(token(&headers(lines), &NAMED), None, "{lines:?}");
            assert_eq!(has_token(&headers(lines), &NAMED), expected, "{lines:?}");
        }
    }

    #[test]
    fn authorization_as_the_named_header_still_means_bearer() {
        assert_eq!(token(&headers(&[("authorization", b"Bearer t")]), &AUTHORIZATION), Some("t"));
        assert_eq!(token(&headers(&[("authorization", b"t")]), &AUTHORIZATION), None);
    }

    #[test]
    fn a_timeout_is_one_positive_decimal_number_of_seconds() {
        let table: &[(&[u8], Option<u64>)] = &[
            (b"1.5", Some(1500)),
            (b"2", Some(2000)),
            (b".25", Some(250)),
            (b"0", None),
            (b"0.0", None),
            (b"-1", None),
            (b"+1", None),
            (b"1e3", None),
            (b"inf", None),
            (b"NaN", None),
            (b"1s", None),
            (b"1.5.0", None),
            (b"", None),
            (b".", None),
            (b"99999999999999999999999999", None),
            (b"\xff", None),
        ];
        for (text, millis) in table {
            let headers = headers(&[("request-timeout", text)]);
            assert_eq!(request_timeout(&headers), millis.map(Duration::from_millis), "{text:?}");
        }
        assert_eq!(request_timeout(&headers(&[("request-timeout", b"1"), ("request-timeout", b"2")])), None);
    }
}
