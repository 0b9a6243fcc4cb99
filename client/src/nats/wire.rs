//! What a message has besides its payload: the names of the headers, and the numbers of errors.

use std::time::Duration;

use crate::rpc_error::code;

/// The headers of a call. NATS keeps the case of names, so they are compared without it.
pub mod header {
    /// The token of the caller, as `Bearer …`.
    pub const AUTHORIZATION: &str = "Authorization";
    /// The seconds for which the caller waits.
    pub const REQUEST_TIMEOUT: &str = "Request-Timeout";
    /// The services that wait for the call.
    pub const CHAIN: &str = "Callbox-Chain";
    /// The id of the request.
    pub const REQUEST_ID: &str = "X-Request-Id";
    /// Where the call stands in its trace.
    pub const TRACEPARENT: &str = "traceparent";
    /// More of the same, in the words of the vendors.
    pub const TRACESTATE: &str = "tracestate";
    /// The subject that takes the items of a subscription and the reports of a call's progress.
    pub const EVENTS: &str = "Callbox-Events";
    /// In a reply: the subject of the instance that has a subscription.
    pub const INSTANCE: &str = "Callbox-Instance";
    /// In a reply: what went wrong, in words.
    pub const ERROR: &str = "Nats-Service-Error";
    /// In a reply: what went wrong, as a number like those of HTTP.
    pub const ERROR_CODE: &str = "Nats-Service-Error-Code";
}

/// Time for which an instance keeps a subscription that nobody renews.
pub const LEASE: Duration = Duration::from_secs(15);

/// Time between two renewals.
pub const RENEW_INTERVAL: Duration = Duration::from_secs(5);

/// A message about a call that is under way.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlMessage {
    /// Ends the call, or the subscription that it has started. The text is the reply subject of the
    /// call.
    Cancel(String),
    /// Keeps the subscription.
    Renew(String),
}

/// Returns the number of an error for those who know HTTP. That of a method itself is 500: its code
/// is in the body.
pub fn error_number(error_code: i32) -> u16 {
    match error_code {
        code::PARSE_ERROR | code::INVALID_REQUEST | code::INVALID_PARAMS => 400,
        code::ACCESS_DENIED => 401,
        code::METHOD_NOT_FOUND => 404,
        code::BUSY => 429,
        code::UNAVAILABLE => 503,
        code::DEADLINE => 504,
        _ => 500,
    }
}
