//! From what the server told of an error back to the error of the method.

use super::InternalError;
use crate::jsonrpc::RpcError;

/// An error of a method that a typed client gives back as what it was.
///
/// [`#[derive(RpcError)]`](derive@crate::RpcError) writes it. For another type, write the impl that matches its
/// `From<…> for RpcError`; an empty one is right as well, and then clients get
/// [`ClientError::Server`](crate::client::ClientError::Server) with all that the server told.
///
/// ```
/// use callbox::RpcError;
/// use callbox::client::FromRpcError;
///
/// struct TooMany { limit: u32 }
///
/// impl From<TooMany> for RpcError {
///     fn from(error: TooMany) -> Self {
///         RpcError::new(429, "Too many").with_data(&error.limit)
///     }
/// }
///
/// impl FromRpcError for TooMany {
///     fn from_rpc_error(error: RpcError) -> Result<Self, RpcError> {
///         let limit = error.data().filter(|_| error.code() == 429).and_then(|data| data.get().parse().ok());
///         limit.map(|limit| Self { limit }).ok_or(error)
///     }
/// }
///
/// assert_eq!(TooMany::from_rpc_error(TooMany { limit: 7 }.into()).ok().unwrap().limit, 7);
/// ```
#[diagnostic::on_unimplemented(
    message = "the typed client cannot give `{Self}` back",
    label = "not `FromRpcError`",
    note = "derive `callbox::RpcError` for it, which writes the way there and back",
    note = "or say that clients get what the server told: `impl callbox::client::FromRpcError for {Self} {{}}`",
    note = "or do without the client: `#[service(client = false)]`"
)]
pub trait FromRpcError: Sized {
    /// The error that was told as this, if it was one of this type. Codes from -32768 to -32000 never get here.
    ///
    /// # Errors
    /// What was told, if it was something else.
    fn from_rpc_error(error: RpcError) -> Result<Self, RpcError> {
        Err(error)
    }
}

impl FromRpcError for RpcError {
    fn from_rpc_error(error: RpcError) -> Result<Self, RpcError> {
        Ok(error)
    }
}

/// Callers are told nothing of it, so there is nothing to give back.
impl FromRpcError for InternalError {}
