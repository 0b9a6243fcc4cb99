//! The error object of JSON-RPC. `protocol` has the errors that callbox itself returns, and
//! `internal` those whose cause is only in the log.

mod internal;
mod protocol;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::representable::check;

pub use internal::log_all_causes;
pub use protocol::code;

/// What a caller receives when a call fails: a code, a message and, where it helps, data.
///
/// A method returns it itself, or any error with `Into<RpcError>`. [`derive@crate::RpcError`]
/// writes that conversion for an enum, and `InternalError` of callbox wraps any other
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
}
