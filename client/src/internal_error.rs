//! `InternalError`, which hides any error from callers and logs it.

use std::error::Error as StdError;
use std::fmt;

use crate::ambient::Current;
use crate::from_rpc_error::FromRpcError;
use crate::rpc_error::RpcError;

/// An error whose text callers must not see.
///
/// `?` converts any error into it. The caller receives -32603 with a correlation id. The text of
/// the error and of its sources is logged with that id, and never sent to the caller.
///
/// ```
/// use callbox::InternalError;
///
/// fn read_port(text: &str) -> Result<u16, InternalError> {
///     Ok(text.parse::<u16>()?)
/// }
/// assert!(read_port("eighty").is_err());
/// ```
// No `impl Error`: it would overlap with the `From` below, which is what makes `?` take everything.
pub struct InternalError(Box<dyn StdError + Send + Sync>);

impl InternalError {
    /// Makes an internal error from an error or a text, which is logged.
    pub fn new(text: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(text.into())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for InternalError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// Callers receive nothing of it, so it cannot be converted back.
impl FromRpcError for InternalError {}

impl From<InternalError> for RpcError {
    fn from(internal: InternalError) -> Self {
        match Current::of_thread() {
            Some(current) => Self::internal_in(current.method, &internal),
            None => Self::internal(&internal),
        }
    }
}

impl fmt::Display for InternalError {
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

impl fmt::Debug for InternalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
