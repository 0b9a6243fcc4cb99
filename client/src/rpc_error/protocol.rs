//! The errors that callbox itself returns. They are for servers, and hidden from the documentation.

#![expect(missing_docs, reason = "public for the engine of callbox alone")]

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::RpcError;

/// All codes that callbox uses.
pub mod code {
    pub const PARSE_ERROR: i32 = -32700;
    pub const INVALID_REQUEST: i32 = -32600;
    pub const METHOD_NOT_FOUND: i32 = -32601;
    pub const INVALID_PARAMS: i32 = -32602;
    pub const INTERNAL: i32 = -32603;
    pub const BUSY: i32 = -32000;
    pub const ACCESS_DENIED: i32 = -32001;
    pub const DEADLINE: i32 = -32002;
    pub const UNAVAILABLE: i32 = -32003;
    pub const TOO_LARGE: i32 = -32004;
    pub const CANCELLED: i32 = -32800;
}

#[doc(hidden)]
impl RpcError {
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// Returns when a retry may succeed.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub fn without_data(mut self) -> Self {
        self.0.data = None;
        self
    }

    /// Returns the error object. Its parts are a number, a string and checked JSON, so this does
    /// not fail; the other branch only keeps a panic out of the response path.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| br#"{"code":-32603,"message":"Internal error"}"#.to_vec())
    }
    /// Returns -32700 with the reason.
    pub fn parse_error(reason: &dyn fmt::Display) -> Self {
        Self::new(code::PARSE_ERROR, "Parse error").with_reason(reason)
    }

    /// Returns -32600 with the rule that was broken, the limit, and what was received.
    pub fn invalid_request(reason: &dyn fmt::Display) -> Self {
        Self::new(code::INVALID_REQUEST, "Invalid Request").with_reason(reason)
    }

    pub fn with_reason(self, reason: &dyn fmt::Display) -> Self {
        #[derive(Serialize)]
        struct ReasonData {
            reason: String,
        }
        self.with_data(&ReasonData { reason: reason.to_string() })
    }

    pub fn method_not_found() -> Self {
        Self::new(code::METHOD_NOT_FOUND, "Method not found")
    }

    /// Returns -32602 with the reason, and the name of the parameter if one is at fault.
    pub fn invalid_params(param: Option<&str>, reason: &str) -> Self {
        #[derive(Serialize)]
        struct ParamsData<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            param: Option<&'a str>,
            reason: &'a str,
        }
        Self::new(code::INVALID_PARAMS, "Invalid params").with_data(&ParamsData { param, reason })
    }

    pub fn access_denied() -> Self {
        Self::new(code::ACCESS_DENIED, "Access denied")
    }

    /// Returns -32001 for a peer whose tokens are not checked, as it has sent too many wrong ones.
    pub fn too_many_wrong_tokens(retry_after: Duration) -> Self {
        #[derive(Serialize)]
        struct LimitedData {
            reason: String,
            retry_after_ms: u64,
        }
        let millis = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX).max(1);
        let seconds = millis.div_ceil(1000);
        let reason = format!("too many wrong tokens from this address: try again in {seconds} s");
        let error = Self::access_denied().with_retry_after(Duration::from_millis(millis));
        error.with_data(&LimitedData { reason, retry_after_ms: millis })
    }

    pub fn unavailable() -> Self {
        Self::new(code::UNAVAILABLE, "Service unavailable")
    }

    pub fn too_large() -> Self {
        Self::new(code::TOO_LARGE, "Response too large")
    }

    pub fn cancelled() -> Self {
        Self::new(code::CANCELLED, "Request cancelled")
    }

    /// Returns the error of a subscription over a transport that has one answer for each request.
    pub fn no_subscriptions() -> Self {
        Self::invalid_request(
            &"a subscription needs a WebSocket (this URL with ws:// or wss://), or `Accept: text/event-stream`",
        )
    }

    /// Returns -32000 for a subscription beyond the limit of its connection.
    pub fn too_many_subscriptions(method: &str, limit: usize) -> Self {
        #[derive(Serialize)]
        struct BusyData<'a> {
            method: &'a str,
            reason: &'static str,
            capacity: usize,
        }
        let data = BusyData { method, reason: "subscriptions", capacity: limit };
        Self::new(code::BUSY, "Server busy").with_data(&data)
    }
}
