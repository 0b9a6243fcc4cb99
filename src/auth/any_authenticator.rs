//! An authenticator whose type is not named. What checks tokens is compiled once, and not for each
//! authenticator.

use std::time::Duration;

use futures::future::LocalBoxFuture;

use crate::start_error::BoxError;

use super::{Authenticate, Caller};

/// An authenticator. The functions are those of [`Authenticate`].
pub(super) trait AnyAuthenticator: Send + Sync {
    /// A panic in it is one of the future.
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Option<Caller>, BoxError>>;

    fn keep_for(&self) -> Duration;

    fn generation(&self) -> u64;
}

impl<A: Authenticate> AnyAuthenticator for A {
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Option<Caller>, BoxError>> {
        Box::pin(async move { Authenticate::authenticate(self, token).await })
    }

    fn keep_for(&self) -> Duration {
        Authenticate::keep_for(self)
    }

    fn generation(&self) -> u64 {
        Authenticate::generation(self)
    }
}
