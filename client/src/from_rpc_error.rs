//! The conversion of an error object back to the error of the method.

use crate::rpc_error::RpcError;

/// An error of a method that a typed client can return with its own type.
///
/// [`#[derive(RpcError)]`](derive@crate::RpcError) implements it. For another type, implement the
/// reverse of its `From<…> for RpcError`. The impl may also be empty: then typed clients return
/// [`ClientError::Server`](crate::ClientError::Server) with the whole error object.
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
///         let data = error.data().filter(|_| error.code() == 429);
///         let limit = data.and_then(|data| data.get().parse().ok());
///         limit.map(|limit| Self { limit }).ok_or(error)
///     }
/// }
///
/// assert_eq!(TooMany::from_rpc_error(TooMany { limit: 7 }.into()).ok().unwrap().limit, 7);
/// ```
#[diagnostic::on_unimplemented(
    message = "the typed client cannot return `{Self}`",
    label = "not `FromRpcError`",
    note = "for an enum of yours: derive `callbox::RpcError`, which writes the conversions in both directions",
    note = "for another type of your crate: `impl callbox::client::FromRpcError for {Self} {{}}`, with which clients \
            return the error object",
    note = "or write no client with `#[service(client = false)]`"
)]
pub trait FromRpcError: Sized {
    /// Converts an error object back. Its code is never one of the reserved ones from -32768 to
    /// -32000.
    ///
    /// # Errors
    /// Returns the error object itself if it was not made from this type.
    fn from_rpc_error(error: RpcError) -> Result<Self, RpcError> {
        Err(error)
    }
}

impl FromRpcError for RpcError {
    fn from_rpc_error(error: RpcError) -> Result<Self, RpcError> {
        Ok(error)
    }
}
