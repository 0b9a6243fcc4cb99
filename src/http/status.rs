//! The HTTP status of a response, from the outcome of its call.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use callbox_client::__engine::status_of;

use crate::jsonrpc::{Dialect, code};

/// The HTTP status of a response that carries a JSON-RPC error.
///
/// Set it with [`Server::error_status`](crate::Server::error_status).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorStatus {
    /// Status 200, as for any JSON-RPC response, which is what JSON-RPC clients expect. The
    /// default.
    #[default]
    Ok,
    /// A status that fits the error code, for single calls: 401 for -32001 (429 if the address has
    /// sent too many wrong tokens), 404 for -32601, 503 for -32000 and so on. A batch gets 200. So
    /// do responses in the dialects `pymicroservice` and `gemstone`, whose clients lose the body of
    /// a response with another status.
    Mapped,
}

choice!(ErrorStatus, "error status" { "ok" = Ok, "mapped" = Mapped });

impl ErrorStatus {
    /// Returns the status of a response. `error` is the code of a single call's error, if it
    /// failed, and `retry_after` is when a retry may succeed.
    pub(crate) fn status(self, dialect: Dialect, error: Option<i32>, retry_after: Option<Duration>) -> StatusCode {
        let Some(error) = error.filter(|_| self == Self::Mapped && dialect == Dialect::Jsonrpc) else {
            return StatusCode::OK;
        };
        match error {
            // Access is denied for a time only: the token was not checked, so it may be valid.
            code::ACCESS_DENIED if retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
            _ => status_of(error),
        }
    }
}

/// Adds the headers that HTTP requires with a status: `WWW-Authenticate` and `Retry-After`.
pub(crate) fn add_status_headers(status: StatusCode, retry_after: Option<Duration>, headers: &mut HeaderMap) {
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            let wait = retry_after.unwrap_or_default();
            // The header has whole seconds only, and 0 would make all clients retry at once.
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_status_follows_the_table() {
        let table = [
            (None, 200),
            (Some(-32001), 401),
            (Some(-32601), 404),
            (Some(-32700), 400),
            (Some(-32600), 400),
            (Some(-32602), 400),
            (Some(-32002), 504),
            (Some(-32000), 503),
            (Some(-32003), 503),
            (Some(-32603), 500),
            (Some(-32004), 500),
            (Some(7), 500),
        ];
        let later = Some(Duration::from_secs(1));
        let limited = table.map(|(error, status)| (error, later, if status == 401 { 429 } else { status }));
        for (error, retry_after, status) in
            table.map(|(error, status)| (error, None, status)).into_iter().chain(limited)
        {
            let status_in = |status: ErrorStatus, dialect| status.status(dialect, error, retry_after);
            assert_eq!(status_in(ErrorStatus::Mapped, Dialect::Jsonrpc), status, "{error:?} {retry_after:?}");
            assert_eq!(status_in(ErrorStatus::Ok, Dialect::Jsonrpc), 200, "{error:?}");
            assert_eq!(status_in(ErrorStatus::Mapped, Dialect::Gemstone), 200, "{error:?}");
            assert_eq!(status_in(ErrorStatus::Mapped, Dialect::Pymicroservice), 200, "{error:?}");
        }
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds_and_is_at_least_one() {
        for (wait, written) in [(None, "1"), (Some(0), "1"), (Some(1000), "1"), (Some(1001), "2"), (Some(59_999), "60")]
        {
            let mut headers = HeaderMap::new();
            add_status_headers(StatusCode::SERVICE_UNAVAILABLE, wait.map(Duration::from_millis), &mut headers);
            assert_eq!(headers.get(RETRY_AFTER).unwrap(), written);
            let mut same = HeaderMap::new();
            add_status_headers(StatusCode::TOO_MANY_REQUESTS, wait.map(Duration::from_millis), &mut same);
            assert_eq!(same.get(RETRY_AFTER).unwrap(), written);
        }
        let mut headers = HeaderMap::new();
        add_status_headers(StatusCode::OK, Some(Duration::from_secs(5)), &mut headers);
        assert!(headers.is_empty());
    }
}
