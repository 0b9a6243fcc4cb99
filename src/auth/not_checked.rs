//! Why a token was not checked.

use std::time::Duration;

use super::AuthUnavailable;

/// The reason why a token was not checked, so that nothing is known about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotChecked {
    /// The authenticator could not decide. Calls that depend on it are answered -32003.
    Unavailable,
    /// The peer has sent too many wrong tokens. Its callers are anonymous, and calls that need a
    /// token are answered -32001 with this reason, whether the token is right or wrong.
    Limited {
        /// Time until the peer may send another token.
        retry_after: Duration,
    },
}

impl From<AuthUnavailable> for NotChecked {
    fn from(_: AuthUnavailable) -> Self {
        Self::Unavailable
    }
}
