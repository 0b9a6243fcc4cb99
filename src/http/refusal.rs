//! What is turned away before dispatch: a status of its own in every dialect, and a JSON-RPC error body.

use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError};

use super::unread::Unread;

/// Why a request got no further than HTTP.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason }
    }

    pub(crate) const fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "calls are made by POST")
    }

    pub(crate) const fn read_only() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this can only be read, by GET")
    }

    pub(crate) const fn unsure() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "it cannot be said whose token this is")
    }

    pub(crate) const fn host() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer for the host in `Host`: its setting allowed_hosts has the names that it does",
        )
    }

    pub(crate) const fn origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "pages of this origin may not call")
    }

    pub(crate) const fn content_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be `Content-Type: application/json`, in UTF-8")
    }

    pub(crate) const fn encoding() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must come without a `Content-Encoding`")
    }

    pub(crate) const fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is over the limit")
    }

    pub(crate) const fn timed_out() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
    }

    pub(crate) const fn broken() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "the body did not arrive whole")
    }

    pub(crate) const fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
    }

    #[cfg(test)]
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer to a request with this body; closes the connection if the body has not been read. `allow` is what a 405 says of the methods there are.
    pub(crate) fn answer(&self, request: Payload, dialect: Dialect, allow: &'static str) -> HttpResponse {
        #[derive(Serialize)]
        struct Data {
            reason: &'static str,
        }
        let error = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => RpcError::unavailable(),
            _ => RpcError::invalid_request(),
        };
        let error = error.with_data(&Data { reason: self.reason });
        let mut response = HttpResponse::build(self.status);
        match self.status {
            StatusCode::METHOD_NOT_ALLOWED => {
                response.insert_header((ALLOW, allow));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ => {}
        }
        response.content_type("application/json").body(Unread::new(Dispatch::refuse(dialect, &error), request))
    }
}
