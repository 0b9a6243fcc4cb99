//! The headers of a message: the token of the caller, the time for which it waits, the services
//! that wait with it, and its trace.
//!
//! The rules are those of HTTP. NATS keeps the case of names, so they are compared without it.

use std::time::Duration;

use async_nats::{HeaderMap, HeaderValue, Message};

use callbox_client::__engine::wire::header;

use crate::service::{DescribeRequest, RequestInfo, TraceContext};

/// The headers of one message.
#[derive(Clone, Copy)]
pub(super) struct CallHeaders<'a>(Option<&'a HeaderMap>);

impl<'a> CallHeaders<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        Self(message.headers.as_ref())
    }

    fn all(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.0.into_iter().flat_map(HeaderMap::iter);
        lines.flat_map(|(name, values)| values.iter().map(|value| (name.as_ref(), HeaderValue::as_str(value))))
    }

    fn values(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the value of a header that was sent once.
    fn only(self, name: &str) -> Option<&'a str> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Returns the token, from the header that the settings name or from `Authorization: Bearer …`.
    /// If there are several that differ, none of them counts.
    pub(super) fn token(self, named: &str) -> Option<&'a str> {
        let named_is_bearer = named.eq_ignore_ascii_case(header::AUTHORIZATION);
        let of_name = self.values(named).filter(|_| !named_is_bearer);
        let mut tokens =
            of_name.chain(self.values(header::AUTHORIZATION).filter_map(bearer)).filter(|token| !token.is_empty());
        let token = tokens.next()?;
        tokens.all(|other| other == token).then_some(token)
    }

    /// Returns the time for which the caller waits: one positive decimal number of seconds.
    pub(super) fn timeout(self) -> Option<Duration> {
        let text = self.only(header::REQUEST_TIMEOUT)?;
        if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|timeout| !timeout.is_zero())
    }

    /// Whether the message has an id.
    pub(super) fn has_id(self) -> bool {
        self.values(header::REQUEST_ID).next().is_some()
    }

    /// Returns the services that wait for the call.
    pub(super) fn chain(self) -> Option<&'a str> {
        self.only(header::CHAIN)
    }

    /// Returns the subject that takes what comes besides the reply.
    pub(super) fn events(self, prefix: &str) -> Option<&'a str> {
        self.only(header::EVENTS).filter(|subject| may_receive(subject, prefix))
    }
}

impl DescribeRequest for CallHeaders<'_> {
    fn whole(&self) -> RequestInfo {
        RequestInfo::nats(self.all().map(|(name, value)| (name, value.as_bytes())))
    }

    fn brief(&self) -> RequestInfo {
        RequestInfo::brief(self.only(header::REQUEST_ID), self.trace())
    }

    fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(self.only(header::TRACEPARENT)?, self.only(header::TRACESTATE))
    }
}

/// Whether messages may be sent to a subject that a caller names. `prefix` is that of the services.
///
/// A message there would be sent with the rights of this server: it must not be a call of a
/// service, or a message for NATS itself.
pub(super) fn may_receive(subject: &str, prefix: &str) -> bool {
    let is_plain = |token: &str| !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_service = subject.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    !subject.starts_with('$')
        && !is_service
        && subject.split('.').all(|token| is_plain(token) && token != "*" && token != ">")
}

fn bearer(value: &str) -> Option<&str> {
    let scheme = value.split(' ').next().unwrap_or(value);
    scheme.eq_ignore_ascii_case("bearer").then(|| value[scheme.len()..].trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lines: &[(&'static str, &str)]) -> Message {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse::<HeaderValue>().unwrap());
        }
        let (reply, headers, status, description) = (None, Some(headers), None, None);
        Message { subject: "".into(), reply, payload: "".into(), headers, status, description, length: 0 }
    }

    #[test]
    fn a_token_comes_from_either_header_and_must_be_one() {
        type Lines = &'static [(&'static str, &'static str)];
        let table: &[(Lines, Option<&str>)] = &[
            (&[], None),
            (&[("x-api-token", "t")], Some("t")),
            (&[("X-Api-Token", "t")], Some("t")),
            (&[("authorization", "Bearer t")], Some("t")),
            (&[("Authorization", "bEARER   t ")], Some("t")),
            (&[("authorization", "Basic dTpw"), ("x-api-token", "t")], Some("t")),
            (&[("authorization", "Bearer t"), ("x-api-token", "t")], Some("t")),
            (&[("authorization", "Bearer u"), ("x-api-token", "t")], None),
            (&[("x-api-token", "t"), ("X-API-TOKEN", "u")], None),
            (&[("x-api-token", ""), ("authorization", "Bearer t")], Some("t")),
        ];
        for (lines, expected) in table {
            assert_eq!(CallHeaders::of(&message(lines)).token("X-Api-Token"), *expected, "{lines:?}");
        }
        let bearer = message(&[("authorization", "Bearer t")]);
        assert_eq!(CallHeaders::of(&bearer).token("authorization"), Some("t"));
    }

    #[test]
    fn a_timeout_is_one_positive_decimal_number_of_seconds() {
        for (text, millis) in [("1.5", Some(1500)), ("0", None), ("-1", None), ("1e3", None), ("inf", None), ("", None)]
        {
            let message = message(&[("request-timeout", text)]);
            assert_eq!(CallHeaders::of(&message).timeout(), millis.map(Duration::from_millis), "{text}");
        }
        let twice = message(&[("request-timeout", "1"), ("Request-Timeout", "2")]);
        assert_eq!(CallHeaders::of(&twice).timeout(), None);
    }

    #[test]
    fn items_go_to_inboxes_alone() {
        for (subject, expected) in [
            ("_INBOX.a.1", true),
            ("_INBOX_shop.a", true),
            ("callboxes.a", true),
            ("callbox.orders.delete", false),
            ("callbox", false),
            ("$SYS.REQ", false),
            ("_INBOX.>", false),
            ("_INBOX.*.a", false),
            ("a b", false),
            ("a..b", false),
            ("", false),
        ] {
            assert_eq!(may_receive(subject, "callbox"), expected, "{subject}");
        }
    }

    #[test]
    fn a_request_has_the_headers_the_id_and_the_trace_of_its_message() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let message = message(&[("Traceparent", parent), ("X-Request-Id", "7f3a"), ("x-tag", "1")]);
        let headers = CallHeaders::of(&message);
        let (whole, brief) = (headers.whole(), headers.brief());
        assert_eq!((whole.header("X-Tag"), whole.id(), brief.id()), (Some("1"), "7f3a", "7f3a"));
        assert_eq!(brief.trace().unwrap().traceparent(), parent);
        assert_eq!(whole.transport(), crate::CallTransport::Nats);
    }
}
