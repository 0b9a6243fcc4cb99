//! What a caller learns when a call fails, and whether it may have run.

use std::error::Error as StdError;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::jsonrpc::{RpcError, code};
use crate::start_error::BoxError;

use super::transport::{Failed, TransportError};

/// The codes that belong to JSON-RPC and to servers: no method's own error has one of them.
const RESERVED: RangeInclusive<i32> = -32768..=-32000;

/// Why a call has no result. `E` is what the method itself says when it fails.
///
/// What matters most to a caller is whether the call may have run: see [`never_ran`](Self::never_ran).
///
/// ```
/// use callbox::RpcError;
/// use callbox::client::ClientError;
///
/// fn advice(error: &ClientError) -> &'static str {
///     match error {
///         ClientError::Method(own) if own.code() == 404 => "ask for another user",
///         ClientError::Refused(_) | ClientError::Unreachable(_) => "try again later",
///         ClientError::Deadline(_) | ClientError::Lost(_) => "look whether it was done",
///         _ => "give up",
///     }
/// }
/// assert_eq!(advice(&ClientError::Method(RpcError::new(404, "No such user"))), "ask for another user");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientError<E = RpcError> {
    /// The method's own error. For an untyped call: any error whose code is not one of the reserved ones, -32768 to -32000.
    Method(E),
    /// Another error that the server answered: there is no such method, the parameters do not fit, access is denied, the
    /// method panicked. Also an error of the method which is none of `E`.
    Server(RpcError),
    /// The server turned the call away before it ran: -32000, its mailbox is full, or -32003, the service is down or stopping.
    ///
    /// Servers that are not callbox mean other things by these codes. So -32000 counts only with `retry_after_ms` in its
    /// data, and -32003 only with callbox's message; others are [`Server`](Self::Server).
    Refused(RpcError),
    /// The server could not be reached: the call was never sent.
    Unreachable(Cause),
    /// The deadline passed, here or at the server, which then answered -32002. The call may have run, or be running.
    Deadline(Option<RpcError>),
    /// The call was sent, and the connection broke before the answer came. It may have run.
    Lost(Cause),
    /// What came back is no answer to this call, or its result is not of the type that was asked for. It may have run.
    BadAnswer(Cause),
    /// The parameters cannot be written as JSON, or are neither an object nor an array: the call was never sent.
    Params(Cause),
}

impl<E> ClientError<E> {
    /// Whether it is certain that the call did not run, so that doing it again does it once.
    ///
    /// ```
    /// use callbox::RpcError;
    /// use callbox::client::ClientError;
    ///
    /// assert!(!ClientError::<RpcError>::Deadline(None).never_ran());
    /// ```
    pub fn never_ran(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreachable(_) | Self::Params(_))
    }

    /// How long the server asks to wait before the call is made again, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Data {
            retry_after_ms: u64,
        }
        let Self::Refused(error) = self else { return None };
        data(error).map(|Data { retry_after_ms }| Duration::from_millis(retry_after_ms))
    }

    /// The same error, unless it is the method's own, which `own` turns into another type or finds to be none of it.
    pub(super) fn try_map<F>(self, own: impl FnOnce(E) -> Result<F, RpcError>) -> ClientError<F> {
        match self {
            Self::Method(error) => own(error).map_or_else(ClientError::Server, ClientError::Method),
            Self::Server(error) => ClientError::Server(error),
            Self::Refused(error) => ClientError::Refused(error),
            Self::Unreachable(cause) => ClientError::Unreachable(cause),
            Self::Deadline(error) => ClientError::Deadline(error),
            Self::Lost(cause) => ClientError::Lost(cause),
            Self::BadAnswer(cause) => ClientError::BadAnswer(cause),
            Self::Params(cause) => ClientError::Params(cause),
        }
    }
}

impl ClientError {
    /// The error object that the server answered, if it answered one.
    ///
    /// ```
    /// use callbox::RpcError;
    /// use callbox::client::ClientError;
    ///
    /// let error = ClientError::Server(RpcError::new(-32601, "Method not found"));
    /// assert_eq!(error.rpc_error().unwrap().code(), -32601);
    /// ```
    pub fn rpc_error(&self) -> Option<&RpcError> {
        match self {
            Self::Method(error) | Self::Server(error) | Self::Refused(error) => Some(error),
            Self::Deadline(error) => error.as_ref(),
            Self::Unreachable(_) | Self::Lost(_) | Self::BadAnswer(_) | Self::Params(_) => None,
        }
    }

    /// What an error object says of the call.
    pub(super) fn told(error: RpcError) -> Self {
        #[derive(Deserialize)]
        struct Busy {
            #[serde(rename = "retry_after_ms")]
            _when: u64,
        }
        #[derive(Deserialize)]
        struct Late {
            #[serde(rename = "deadline_ms")]
            _allowed: u64,
        }
        match error.code() {
            code::BUSY if data::<Busy>(&error).is_some() => Self::Refused(error),
            code::UNAVAILABLE if error.message() == RpcError::unavailable().message() => Self::Refused(error),
            code::DEADLINE if data::<Late>(&error).is_some() => Self::Deadline(Some(error)),
            code if RESERVED.contains(&code) => Self::Server(error),
            _ => Self::Method(error),
        }
    }

    pub(super) fn bad_answer(cause: impl Into<BoxError>) -> Self {
        Self::BadAnswer(Cause::new(cause))
    }
}

fn data<T: DeserializeOwned>(error: &RpcError) -> Option<T> {
    serde_json::from_str(error.data()?.get()).ok()
}

impl From<TransportError> for ClientError {
    fn from(TransportError { failed, cause }: TransportError) -> Self {
        match failed {
            Failed::NeverSent => Self::Unreachable(cause),
            Failed::Lost => Self::Lost(cause),
            Failed::BadAnswer => Self::BadAnswer(cause),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for ClientError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(error) => write!(f, "the method failed: {error:?}"),
            Self::Server(error) => write!(f, "the server answered: {error}"),
            Self::Refused(error) => write!(f, "the server turned the call away: {error}"),
            Self::Unreachable(cause) => write!(f, "the server cannot be reached: {cause}"),
            Self::Deadline(_) => f.write_str("the deadline passed before there was an answer"),
            Self::Lost(cause) => write!(f, "the answer got lost: {cause}"),
            Self::BadAnswer(cause) => write!(f, "the answer cannot be read: {cause}"),
            Self::Params(cause) => write!(f, "the parameters cannot be sent: {cause}"),
        }
    }
}

// The text of the cause is in the text of the error, so there is no `source` that would repeat it.
impl<E: fmt::Debug> StdError for ClientError<E> {}

/// What is behind an error: its text has those of all its sources. Cheap to clone.
///
/// ```
/// use callbox::client::{Cause, ClientError};
///
/// fn refused_by_the_system(error: &ClientError) -> bool {
///     let ClientError::Unreachable(cause) = error else { return false };
///     cause.get().downcast_ref::<std::io::Error>().is_some()
/// }
/// # let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// # assert!(refused_by_the_system(&ClientError::Unreachable(Cause::new(refused))));
/// ```
#[derive(Clone)]
pub struct Cause(Arc<dyn StdError + Send + Sync>);

impl Cause {
    /// A cause of any error, or of a text.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The error itself.
    pub fn get(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_mean_what_callbox_says_only_where_callbox_says_it() {
        let refused = |error: RpcError| matches!(ClientError::told(error), ClientError::Refused(_));
        let busy = || RpcError::new(-32000, "Server busy");
        assert!(refused(busy().with_data(&json!({ "retry_after_ms": 20, "reason": "full" }))));
        assert!(!refused(busy()), "servers of other makes answer -32000 for whatever goes wrong");
        assert!(!refused(busy().with_data(&json!({ "retry_after_ms": "soon" }))));
        assert!(refused(RpcError::unavailable()));
        assert!(!refused(RpcError::new(-32003, "transaction rejected")));
        let late = RpcError::new(-32002, "Deadline exceeded");
        assert!(matches!(ClientError::told(late.clone()), ClientError::Server(_)));
        let late = late.with_data(&json!({ "queued_ms": 1, "deadline_ms": 1 }));
        assert!(matches!(ClientError::told(late), ClientError::Deadline(Some(_))));
    }

    #[test]
    fn an_error_is_the_methods_own_by_its_code() {
        for (code, own) in [(404, true), (0, true), (-1, true), (-31999, true), (-32769, true)]
            .into_iter()
            .chain([-32000, -32050, -32603, -32700, -32768].map(|code| (code, false)))
        {
            let told = ClientError::told(RpcError::new(code, "no"));
            assert_eq!(matches!(told, ClientError::Method(_)), own, "{code}");
            assert_eq!(told.rpc_error().unwrap().code(), code);
        }
    }

    #[test]
    fn a_wait_is_read_from_a_refusal_only() {
        let busy = RpcError::new(-32000, "Server busy").with_data(&json!({ "retry_after_ms": 1500 }));
        assert_eq!(ClientError::told(busy.clone()).retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(ClientError::told(RpcError::unavailable()).retry_after(), None);
        assert_eq!(ClientError::<RpcError>::Server(busy).retry_after(), None);
    }
}
