//! The error of a client that cannot be made.

use crate::client_error::{BoxError, Cause};

/// The error of a client that cannot be made: an address, the name of a header, or a certificate is
/// not valid, or a connection cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(Cause);

impl BuildError {
    pub(crate) fn new(cause: impl Into<BoxError>) -> Self {
        Self(Cause::new(cause))
    }
}
