//! The error of a call: why it has no result, and whether it may have run.

use std::error::Error as StdError;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::internal_error::InternalError;
use crate::rpc_error::{RpcError, code};

use crate::transport::{FailureKind, TransportError};

/// Any error, on its way into a [`Cause`].
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The codes that JSON-RPC reserves for itself and for servers. No error of a method itself has one
/// of them.
const RESERVED: RangeInclusive<i32> = -32768..=-32000;

/// The error of a call. `E` is the error type of the method itself.
///
/// A caller that wants to repeat a call needs to know whether it may have run: see
/// [`never_ran`](Self::never_ran).
///
/// ```
/// use callbox::RpcError;
/// use callbox::client::ClientError;
///
/// fn advice(error: &ClientError) -> &'static str {
///     match error {
///         ClientError::Method(own) if own.code() == 404 => "choose another user",
///         ClientError::Rejected(_) | ClientError::Unreachable(_) => "try again later",
///         ClientError::Deadline(_) | ClientError::Lost(_) => "check whether it ran",
///         _ => "give up",
///     }
/// }
/// let error = ClientError::Method(RpcError::new(404, "No such user"));
/// assert_eq!(advice(&error), "choose another user");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientError<E = RpcError> {
    /// The error that the method itself returned. For an untyped call: any error whose code is not
    /// in the reserved range from -32768 to -32000.
    Method(E),
    /// Another error that the server returned: unknown method, invalid parameters, access denied,
    /// or a panic of the method. Also an error of the method that cannot be converted to `E`.
    Server(RpcError),
    /// The server rejected the call before it ran: with -32000 because the mailbox is full, or with
    /// -32003 because the service is down or stopping.
    ///
    /// Other servers than callbox use these codes for other errors. So -32000 must have
    /// `retry_after_ms` in its data, and -32003 must have callbox's message. Otherwise the error is
    /// [`Server`](Self::Server).
    Rejected(RpcError),
    /// The server could not be reached. The call was never sent.
    Unreachable(Cause),
    /// The deadline passed, at the client or at the server, which then returned -32002 and this
    /// error. The call may have run, or may still be running.
    Deadline(Option<RpcError>),
    /// The call was sent, and the connection broke before the response arrived. The call may have
    /// run.
    Lost(Cause),
    /// The response is not one to this call, or its result is not of the expected type. The call
    /// may have run.
    BadResponse(Cause),
    /// The parameters cannot be written as JSON, or are neither an object nor an array. The call
    /// was never sent.
    Params(Cause),
    /// The transport of the client cannot make this call: over HTTP a batch starts no
    /// subscriptions, for example. The call was never sent.
    Unsupported(Cause),
}

impl<E> ClientError<E> {
    /// Whether the call certainly did not run, so that it is safe to repeat it.
    ///
    /// True for [`Rejected`](Self::Rejected), [`Unreachable`](Self::Unreachable),
    /// [`Params`](Self::Params) and [`Unsupported`](Self::Unsupported).
    ///
    /// ```
    /// use callbox::RpcError;
    /// use callbox::client::ClientError;
    ///
    /// assert!(!ClientError::<RpcError>::Deadline(None).never_ran());
    /// ```
    pub fn never_ran(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Unreachable(_) | Self::Params(_) | Self::Unsupported(_))
    }

    /// Returns the time that the server asks to wait before the call is repeated.
    ///
    /// [`Rejected`](Self::Rejected) can have one, and the client waits for it before it repeats the
    /// call by itself. -32001, a [`Server`](Self::Server) error, has one if the server checks no
    /// tokens of this address for a while, because too many wrong ones came from it. That is not
    /// repeated: until then the answer is the same, and whoever has sent the wrong tokens should
    /// find that out first.
    ///
    /// ```
    /// use std::time::Duration;
    /// use callbox::RpcError;
    /// use callbox::client::ClientError;
    ///
    /// # fn limited() -> RpcError {
    /// #     let data = serde_json::json!({ "reason": "…", "retry_after_ms": 940 });
    /// #     RpcError::new(-32001, "Access denied").with_data(&data)
    /// # }
    /// let error: ClientError = ClientError::Server(limited());
    /// assert_eq!(error.retry_after(), Some(Duration::from_millis(940)));
    /// assert!(!error.never_ran(), "so it is not repeated");
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Data {
            retry_after_ms: u64,
        }
        let denied = RpcError::access_denied();
        let error = match self {
            Self::Rejected(error) => error,
            Self::Server(error) if error.code() == denied.code() && error.message() == denied.message() => error,
            _ => return None,
        };
        data(error).map(|Data { retry_after_ms }| Duration::from_millis(retry_after_ms))
    }

    /// Converts the error of the method itself with `convert`. If that fails, the error becomes
    /// [`Server`](Self::Server). All other errors stay the same.
    pub(crate) fn try_map<F>(self, convert: impl FnOnce(E) -> Result<F, RpcError>) -> ClientError<F> {
        match self {
            Self::Method(error) => convert(error).map_or_else(ClientError::Server, ClientError::Method),
            Self::Server(error) => ClientError::Server(error),
            Self::Rejected(error) => ClientError::Rejected(error),
            Self::Unreachable(cause) => ClientError::Unreachable(cause),
            Self::Deadline(error) => ClientError::Deadline(error),
            Self::Lost(cause) => ClientError::Lost(cause),
            Self::BadResponse(cause) => ClientError::BadResponse(cause),
            Self::Params(cause) => ClientError::Params(cause),
            Self::Unsupported(cause) => ClientError::Unsupported(cause),
        }
    }
}

impl ClientError {
    /// Returns the error object that the server sent, if it sent one.
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
            Self::Method(error) | Self::Server(error) | Self::Rejected(error) => Some(error),
            Self::Deadline(error) => error.as_ref(),
            Self::Unreachable(_) | Self::Lost(_) | Self::BadResponse(_) | Self::Params(_) | Self::Unsupported(_) => {
                None
            }
        }
    }

    /// Classifies an error object of the server by its code, and by the data and the message that
    /// only callbox sends with it.
    pub(crate) fn from_server(error: RpcError) -> Self {
        #[derive(Deserialize)]
        struct RetryAfterMember {
            #[serde(rename = "retry_after_ms")]
            _retry_after: u64,
        }
        #[derive(Deserialize)]
        struct DeadlineMember {
            #[serde(rename = "deadline_ms")]
            _deadline: u64,
        }
        match error.code() {
            code::BUSY if data::<RetryAfterMember>(&error).is_some() => Self::Rejected(error),
            code::UNAVAILABLE if error.message() == RpcError::unavailable().message() => Self::Rejected(error),
            code::DEADLINE if data::<DeadlineMember>(&error).is_some() => Self::Deadline(Some(error)),
            code if RESERVED.contains(&code) => Self::Server(error),
            _ => Self::Method(error),
        }
    }

    pub(crate) fn bad_response(cause: impl Into<BoxError>) -> Self {
        Self::BadResponse(Cause::new(cause))
    }
}

fn data<T: DeserializeOwned>(error: &RpcError) -> Option<T> {
    serde_json::from_str(error.data()?.get()).ok()
}

/// Lets a method return the error of a call to another service with `?`.
///
/// The own error of the called method is passed on. Any other is logged, and the caller receives
/// -32603: passed on, its code would speak of the caller's own call, which has run.
///
/// ```
/// use callbox_client::{ClientError, RpcError};
///
/// let error: ClientError = ClientError::Method(RpcError::new(404, "No such product"));
/// assert_eq!(RpcError::from(error).code(), 404);
/// let error: ClientError = ClientError::Server(RpcError::new(-32601, "Method not found"));
/// assert_eq!(RpcError::from(error).code(), -32603);
/// ```
impl<E: Into<RpcError> + fmt::Debug> From<ClientError<E>> for RpcError {
    fn from(error: ClientError<E>) -> Self {
        match error {
            ClientError::Method(error) => error.into(),
            error => Self::from(InternalError::new(format!("a call to a service failed: {error}"))),
        }
    }
}

impl From<TransportError> for ClientError {
    fn from(TransportError { kind, cause }: TransportError) -> Self {
        match kind {
            FailureKind::NeverSent => Self::Unreachable(cause),
            FailureKind::Lost => Self::Lost(cause),
            FailureKind::BadResponse => Self::BadResponse(cause),
            #[cfg(any(feature = "nats", feature = "websocket"))]
            FailureKind::Unsupported => Self::Unsupported(cause),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for ClientError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(error) => write!(f, "the method failed: {error:?}"),
            Self::Server(error) => write!(f, "the server returned an error: {error}"),
            Self::Rejected(error) => write!(f, "the server rejected the call: {error}"),
            Self::Unreachable(cause) => write!(f, "the server cannot be reached: {cause}"),
            Self::Deadline(_) => f.write_str("the deadline passed before the response arrived"),
            Self::Lost(cause) => write!(f, "the connection broke before the response arrived: {cause}"),
            Self::BadResponse(cause) => write!(f, "the response cannot be used: {cause}"),
            Self::Params(cause) => write!(f, "the parameters cannot be sent: {cause}"),
            Self::Unsupported(cause) => write!(f, "this client cannot make the call: {cause}"),
        }
    }
}

// `Display` contains the text of the cause already, so there is no `source` that would repeat it.
impl<E: fmt::Debug> StdError for ClientError<E> {}

/// The cause of an error. Its text includes the texts of all its sources. Cheap to clone.
///
/// ```
/// use callbox::client::{Cause, ClientError};
///
/// fn is_io_error(error: &ClientError) -> bool {
///     let ClientError::Unreachable(cause) = error else { return false };
///     cause.get().downcast_ref::<std::io::Error>().is_some()
/// }
/// # let io_error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// # assert!(is_io_error(&ClientError::Unreachable(Cause::new(io_error))));
/// ```
#[derive(Clone)]
pub struct Cause(Arc<dyn StdError + Send + Sync>);

impl Cause {
    /// Makes a cause from any error, or from a text.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// Returns the error itself, for a downcast for example.
    pub fn get(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Some errors have the text of their source already.
            if !shown.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            (shown, source) = (text, error.source());
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
    fn a_code_has_callboxs_meaning_only_in_an_error_of_callbox() {
        let rejected = |error: RpcError| matches!(ClientError::from_server(error), ClientError::Rejected(_));
        let busy = || RpcError::new(-32000, "Server busy");
        assert!(rejected(busy().with_data(&json!({ "retry_after_ms": 20, "reason": "full" }))));
        assert!(!rejected(busy()), "other servers return -32000 for any error");
        assert!(!rejected(busy().with_data(&json!({ "retry_after_ms": "soon" }))));
        assert!(rejected(RpcError::unavailable()));
        assert!(!rejected(RpcError::new(-32003, "transaction rejected")));
        let late = RpcError::new(-32002, "Deadline exceeded");
        assert!(matches!(ClientError::from_server(late.clone()), ClientError::Server(_)));
        let late = late.with_data(&json!({ "queued_ms": 1, "deadline_ms": 1 }));
        assert!(matches!(ClientError::from_server(late), ClientError::Deadline(Some(_))));
    }

    #[test]
    fn an_error_outside_the_reserved_codes_is_one_of_the_method() {
        for (code, own) in [(404, true), (0, true), (-1, true), (-31999, true), (-32769, true)]
            .into_iter()
            .chain([-32000, -32050, -32603, -32700, -32768].map(|code| (code, false)))
        {
            let error = ClientError::from_server(RpcError::new(code, "no"));
            assert_eq!(matches!(error, ClientError::Method(_)), own, "{code}");
            assert_eq!(error.rpc_error().unwrap().code(), code);
        }
    }

    #[test]
    fn only_a_rejection_and_a_limited_address_have_a_time_to_wait() {
        let busy = RpcError::new(-32000, "Server busy").with_data(&json!({ "retry_after_ms": 1500 }));
        assert_eq!(ClientError::from_server(busy.clone()).retry_after(), Some(Duration::from_millis(1500)));
        assert_eq!(ClientError::from_server(RpcError::unavailable()).retry_after(), None);
        assert_eq!(ClientError::<RpcError>::Server(busy).retry_after(), None);
        let limited = ClientError::from_server(RpcError::too_many_wrong_tokens(Duration::from_millis(940)));
        assert!(matches!(limited, ClientError::Server(_)) && !limited.never_ran());
        assert_eq!(limited.retry_after(), Some(Duration::from_millis(940)));
        assert_eq!(ClientError::from_server(RpcError::access_denied()).retry_after(), None);
        let foreign = RpcError::new(-32001, "Session not found").with_data(&json!({ "retry_after_ms": 5 }));
        assert_eq!(ClientError::from_server(foreign).retry_after(), None, "other servers use the code as well");
    }
}
