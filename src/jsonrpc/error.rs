//! The error object of JSON-RPC, and every code that callbox itself uses.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::check;
use super::internal_error::{self, ErrorOrigin};

/// What a caller receives when a call fails: a code, a message and, where it helps, data.
///
/// A method returns it itself, or any error with `Into<RpcError>`. [`derive@crate::RpcError`]
/// writes that conversion for an enum, and [`InternalError`](crate::InternalError) wraps any other
/// error without showing its text to the caller.
///
/// Codes from -32768 to -32000 are reserved for JSON-RPC and callbox; use others for your own
/// errors.
///
/// ```
/// use callbox::RpcError;
///
/// let error = RpcError::new(404, "No such user").with_data(&serde_json::json!({ "user": 7 }));
/// assert_eq!(error.code(), 404);
/// assert_eq!(error.to_string(), "No such user (404)");
/// ```
#[derive(Clone)]
pub struct RpcError(Box<ErrorParts>);

/// In a box, because every result of a call is moved as a `Result` with this error: few calls fail,
/// and all are moved.
#[derive(Clone)]
struct ErrorParts {
    code: i32,
    message: Cow<'static, str>,
    data: Option<Box<RawValue>>,
    /// When a retry may succeed, for a call that was rejected for lack of capacity.
    retry_after: Option<Duration>,
}

/// All codes that callbox uses.
pub(crate) mod code {
    pub(crate) const PARSE_ERROR: i32 = -32700;
    pub(crate) const INVALID_REQUEST: i32 = -32600;
    pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
    pub(crate) const INVALID_PARAMS: i32 = -32602;
    pub(crate) const INTERNAL: i32 = -32603;
    pub(crate) const BUSY: i32 = -32000;
    pub(crate) const ACCESS_DENIED: i32 = -32001;
    pub(crate) const DEADLINE: i32 = -32002;
    pub(crate) const UNAVAILABLE: i32 = -32003;
    pub(crate) const TOO_LARGE: i32 = -32004;
}

impl RpcError {
    /// Creates an error with this code and message, and no data.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(ErrorParts { code, message: message.into(), data: None, retry_after: None }))
    }

    /// Adds `data`, which the caller receives unchanged.
    ///
    /// Data that cannot be represented in JSON (NaN, a map whose keys are not strings) is left out
    /// and logged.
    #[must_use]
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        match to_raw_value(data).and_then(|raw| check(data).map(|()| raw).map_err(Error::custom)) {
            Ok(raw) => self.0.data = Some(raw),
            Err(error) => log_error!(code = self.0.code, %error, "the data of an error cannot be written as JSON"),
        }
        self
    }

    /// Returns the code, as it is sent.
    pub fn code(&self) -> i32 {
        self.0.code
    }

    /// Returns the message, as it is sent.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the data as JSON text, if there is any.
    pub fn data(&self) -> Option<&RawValue> {
        self.0.data.as_deref()
    }

    pub(crate) fn with_retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// Returns when a retry may succeed.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn without_data(mut self) -> Self {
        self.0.data = None;
        self
    }

    /// Returns the error object. Its parts are a number, a string and checked JSON, so this does
    /// not fail; the other branch only keeps a panic out of the response path.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|_| br#"{"code":-32603,"message":"Internal error"}"#.to_vec())
    }

    /// Returns -32603 with a new correlation id. `cause` is written to the log under that id and
    /// nowhere else, as [`internal_error::log_cause`] describes.
    #[track_caller]
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        Self::with_id(internal_error::log_cause(ErrorOrigin::Place(Location::caller()), cause))
    }

    /// The same for a cause in a method, or in writing its response.
    pub(crate) fn internal_in(method: &'static str, cause: &dyn fmt::Display) -> Self {
        Self::with_id(internal_error::log_cause(ErrorOrigin::Method(method), cause))
    }

    fn with_id(correlation_id: String) -> Self {
        #[derive(Serialize)]
        struct InternalData {
            correlation_id: String,
        }
        Self::new(code::INTERNAL, "Internal error").with_data(&InternalData { correlation_id })
    }

    /// Returns -32603 for a method whose result cannot be represented in JSON.
    pub(crate) fn unwritable(method: &'static str, cause: &dyn fmt::Display) -> Self {
        Self::internal_in(method, &format_args!("the result of {method} cannot be written as JSON: {cause}"))
    }

    /// Returns -32700 with the reason.
    pub(crate) fn parse_error(reason: &dyn fmt::Display) -> Self {
        Self::new(code::PARSE_ERROR, "Parse error").with_reason(reason)
    }

    /// Returns -32600 with the rule that was broken, the limit, and what was received.
    pub(crate) fn invalid_request(reason: &dyn fmt::Display) -> Self {
        Self::new(code::INVALID_REQUEST, "Invalid Request").with_reason(reason)
    }

    pub(crate) fn with_reason(self, reason: &dyn fmt::Display) -> Self {
        #[derive(Serialize)]
        struct ReasonData {
            reason: String,
        }
        self.with_data(&ReasonData { reason: reason.to_string() })
    }

    pub(crate) fn method_not_found() -> Self {
        Self::new(code::METHOD_NOT_FOUND, "Method not found")
    }

    /// Returns -32602 with the reason, and the name of the parameter if one is at fault.
    pub(crate) fn invalid_params(param: Option<&str>, reason: &str) -> Self {
        #[derive(Serialize)]
        struct ParamsData<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            param: Option<&'a str>,
            reason: &'a str,
        }
        Self::new(code::INVALID_PARAMS, "Invalid params").with_data(&ParamsData { param, reason })
    }

    pub(crate) fn access_denied() -> Self {
        Self::new(code::ACCESS_DENIED, "Access denied")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(code::UNAVAILABLE, "Service unavailable")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(code::TOO_LARGE, "Response too large")
    }
}

impl Serialize for RpcError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", &self.code())?;
        map.serialize_entry("message", self.message())?;
        if let Some(data) = self.data() {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

impl fmt::Debug for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcError")
            .field("code", &self.code())
            .field("message", &self.message())
            .field("data", &self.data().map(RawValue::get))
            .finish()
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.code())
    }
}

impl StdError for RpcError {}

impl PartialEq for RpcError {
    fn eq(&self, other: &Self) -> bool {
        let same_data = self.data().map(RawValue::get) == other.data().map(RawValue::get);
        self.code() == other.code() && self.message() == other.message() && same_data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_written_as_the_object_of_json_rpc() {
        let plain = serde_json::to_string(&RpcError::method_not_found()).unwrap();
        assert_eq!(plain, r#"{"code":-32601,"message":"Method not found"}"#);
        assert!(RpcError::new(7, "seven").with_data(&f64::NAN).data().is_none(), "it is not sent as null");
        let with_data = RpcError::new(7, "seven").with_data(&[1, 2]);
        assert_eq!(serde_json::to_string(&with_data).unwrap(), r#"{"code":7,"message":"seven","data":[1,2]}"#);
    }

    #[test]
    fn an_internal_error_has_an_id_and_not_its_cause() {
        let first = RpcError::internal(&"the password is hunter2");
        let text = serde_json::to_string(&first).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_ne!(first, RpcError::internal(&"again"), "ids differ");
    }
}
