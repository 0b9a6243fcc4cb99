//! Responses to requests that are rejected before dispatch. They have their own status in every
//! dialect, and a JSON-RPC error as their body.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use actix_web::web::Bytes;

use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError, truncated};

use super::allowed_methods::AllowedMethods;
use super::unread_body::WithUnreadBody;

/// The reason why a request was rejected before dispatch.
#[derive(Debug)]
pub(crate) struct HttpRejection {
    status: StatusCode,
    reason: Cow<'static, str>,
    /// The value of the `Allow` header, if the HTTP method is the reason.
    allow: Option<&'static str>,
}

/// Maximum length of a header's value in a reason, in bytes.
const MAX_QUOTED_HEADER: usize = 100;

impl HttpRejection {
    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason: Cow::Borrowed(reason), allow: None }
    }

    const fn with_reason(status: StatusCode, reason: String) -> Self {
        Self { status, reason: Cow::Owned(reason), allow: None }
    }

    /// Returns the rejection of a method that a path does not accept. `preflight` says whether the
    /// path answers CORS preflight requests.
    pub(crate) fn method_not_allowed(methods: AllowedMethods, preflight: bool) -> Self {
        let reason = match methods {
            AllowedMethods::Post => "this path accepts calls: send them by POST",
            AllowedMethods::Get => "this path can only be read: send GET",
        };
        let allow = if preflight { methods.header_value_with_options() } else { methods.header_value() };
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, reason) }
    }

    /// Returns the rejection of an endpoint's path that has a slash at its end.
    pub(crate) fn trailing_slash(endpoint: &str) -> Self {
        Self::with_reason(
            StatusCode::NOT_FOUND,
            format!("the path of the endpoint is `{endpoint}`, without a slash at its end"),
        )
    }

    pub(crate) const fn authentication_unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the token cannot be checked at the moment: try again")
    }

    pub(crate) const fn wrong_host() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not accept the host in `Host`: its setting allowed_hosts lists the hosts that it accepts",
        )
    }

    pub(crate) const fn forbidden_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "pages of the origin in `Origin` may not call: the server's setting allowed_origins lists those that may",
        )
    }

    pub(crate) fn unsupported_content_type(headers: &HeaderMap) -> Self {
        let sent = sent(headers, &CONTENT_TYPE);
        let reason = format!("the body must be `Content-Type: application/json`, in UTF-8, got {sent}");
        Self::with_reason(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
    }

    pub(crate) fn unsupported_encoding(headers: &HeaderMap) -> Self {
        let sent = sent(headers, &CONTENT_ENCODING);
        let reason = format!("the body must come without a `Content-Encoding`, got {sent}");
        Self::with_reason(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
    }

    /// `declared` is the request's `Content-Length`, if it has one.
    pub(crate) fn body_too_large(declared: Option<&str>, limit: usize) -> Self {
        let declared =
            declared.map(|length| format!(", got {}", truncated(length, MAX_QUOTED_HEADER))).unwrap_or_default();
        let reason = format!("the body may have at most {limit} bytes{declared}");
        Self::with_reason(StatusCode::PAYLOAD_TOO_LARGE, reason)
    }

    pub(crate) const fn excessive_framing() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the chunked body has too many extensions and trailers: send it without them",
        )
    }

    pub(crate) fn body_timeout(limit: Duration) -> Self {
        Self::with_reason(StatusCode::REQUEST_TIMEOUT, format!("the body did not arrive within {limit:?}"))
    }

    pub(crate) const fn incomplete_body() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "the body is incomplete or malformed")
    }

    pub(crate) const fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
    }

    /// Returns the rejection of a WebSocket handshake in another version of the protocol.
    pub(crate) fn unsupported_websocket_version(headers: &HeaderMap) -> Self {
        let sent = sent(headers, &SEC_WEBSOCKET_VERSION);
        let reason = format!("`Sec-WebSocket-Version` must be 13, got {sent}");
        Self::with_reason(StatusCode::UPGRADE_REQUIRED, reason)
    }

    pub(crate) const fn only_websockets() -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, "this path is for WebSockets only: send an upgrade")
    }

    pub(crate) fn invalid_websocket_key(headers: &HeaderMap) -> Self {
        let sent = sent(headers, &SEC_WEBSOCKET_KEY);
        let reason = format!("`Sec-WebSocket-Key` must be 16 bytes in base64, got {sent}");
        Self::with_reason(StatusCode::BAD_REQUEST, reason)
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the response to a request with this body. It closes the connection if the body has
    /// not been read.
    pub(crate) fn respond(&self, request: Payload, dialect: Dialect) -> HttpResponse {
        let error = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => RpcError::unavailable().with_reason(&self.reason),
            _ => RpcError::invalid_request(&self.reason),
        };
        let mut response = HttpResponse::build(self.status);
        if let Some(allow) = self.allow {
            response.insert_header((ALLOW, allow));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, "1"));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110, 15.5.22, and RFC 6455, 4.4.
            response.insert_header((UPGRADE, "websocket")).insert_header((SEC_WEBSOCKET_VERSION, "13"));
        }
        response
            .content_type("application/json")
            .body(WithUnreadBody::new(Bytes::from(Dispatch::refuse(dialect, &error)), request))
    }
}

/// Returns a header's values for use in a reason, shortened.
fn sent(headers: &HeaderMap, name: &HeaderName) -> String {
    let sent: Vec<_> = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    if sent.is_empty() { "none".to_owned() } else { format!("`{}`", truncated(&sent.join(", "), MAX_QUOTED_HEADER)) }
}
