//! What carries bodies to a server and its answers back.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::start_error::BoxError;

use super::error::Cause;

/// Carries bodies to a server: HTTP is there, another is yours to write.
///
/// Deadlines, retries, batches and ids are the [`Client`](super::Client)'s affair and hold for every transport. Here is one
/// that hands bodies to a function, as a test might want it:
///
/// ```
/// use callbox::client::{Client, Incoming, Outgoing, Transport, TransportError};
///
/// struct Canned(&'static str);
///
/// impl Transport for Canned {
///     async fn send(&self, _: Outgoing) -> Result<Incoming, TransportError> {
///         Ok(Incoming::new(self.0))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let client = Client::with_transport(Canned(r#"{"jsonrpc":"2.0","result":3,"id":1}"#));
/// assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
/// # }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends one body, and waits for what comes back. Dropping the future gives it up.
    ///
    /// # Errors
    /// It must be certain that the server saw nothing of the body for [`TransportError::never_sent`], because then the
    /// calls in it are made again. When in doubt, it is [`TransportError::lost`].
    fn send(&self, outgoing: Outgoing) -> impl Future<Output = Result<Incoming, TransportError>> + Send;
}

/// One body on its way to the server.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outgoing {
    /// A request, or an array of requests, as JSON.
    pub body: Vec<u8>,
    /// The caller's token, if it has one.
    pub token: Option<Arc<str>>,
    /// The time until the caller stops waiting, for the server to know. The transport need not watch it.
    pub timeout: Duration,
}

/// What came back.
///
/// ```
/// use callbox::client::Incoming;
///
/// let answer = Incoming::new("the gateway is busy").with_remark("status 502");
/// ```
#[derive(Clone, Debug)]
pub struct Incoming {
    pub(super) body: Vec<u8>,
    pub(super) remark: Option<String>,
}

impl Incoming {
    /// An answer with this body; an empty one if there was nothing to answer.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), remark: None }
    }

    /// The same answer, which the transport itself finds odd: an HTTP status that is no success, say. The remark is told to
    /// the caller if the body is no answer, and an empty body is none.
    #[must_use]
    pub fn with_remark(self, remark: impl Into<String>) -> Self {
        Self { remark: Some(remark.into()), ..self }
    }
}

/// Why a transport has no answer.
///
/// ```
/// use callbox::client::{ClientError, TransportError};
///
/// assert!(ClientError::from(TransportError::never_sent("no route")).never_ran());
/// assert!(!ClientError::from(TransportError::lost("the connection was reset")).never_ran());
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct TransportError {
    pub(super) failed: Failed,
    pub(super) cause: Cause,
}

/// How far a body got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    NeverSent,
    Lost,
    BadAnswer,
}

impl TransportError {
    /// The server saw nothing of the body: there is no connection.
    pub fn never_sent(cause: impl Into<BoxError>) -> Self {
        Self { failed: Failed::NeverSent, cause: Cause::new(cause) }
    }

    /// The body, or a part of it, may have reached the server, and no answer came.
    pub fn lost(cause: impl Into<BoxError>) -> Self {
        Self { failed: Failed::Lost, cause: Cause::new(cause) }
    }

    /// An answer came that is of no use: it is too large, say.
    pub fn bad_answer(cause: impl Into<BoxError>) -> Self {
        Self { failed: Failed::BadAnswer, cause: Cause::new(cause) }
    }
}

// By hand: the token must not get into a log.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing")
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("has_token", &self.token.is_some())
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A [`Transport`] behind a pointer.
pub(super) trait Carrier: Send + Sync {
    fn carry(&self, outgoing: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>>;
}

impl<T: Transport> Carrier for T {
    fn carry(&self, outgoing: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(self.send(outgoing))
    }
}
