//! The trait of what checks tokens.

use std::future::Future;
use std::time::Duration;

use crate::BoxError;

use super::Caller;

/// Checks tokens: finds out whose a token is. [`Server::tokens`](crate::Server::tokens) takes one.
///
/// A closure from the token to `bool` is enough if all callers with a token are alike: its callers
/// have no name and no scopes. [`Tokens`](crate::auth::Tokens) checks tokens with a file of their
/// hashes.
///
/// [`authenticate`](Self::authenticate) runs on the thread of the auth actor; while one check
/// awaits, others run. Requests with the same token that overlap share one check.
///
/// ```
/// use callbox::auth::Authenticate;
/// use callbox::{BoxError, Caller};
///
/// struct Keys(Vec<(String, String)>);
///
/// impl Authenticate for Keys {
///     async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
///         // A database lookup would be awaited here.
///         let found = self.0.iter().find(|(key, _)| key == token);
///         Ok(found.map(|(_, name)| Caller::named(name.as_str()).with_scope("read")))
///     }
/// }
/// ```
///
/// A wrapper of another authenticator should forward all its methods: [`keep_for`](Self::keep_for)
/// needs the matching [`generation`](Self::generation).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check tokens",
    note = "pass a closure `|token: &str| token == \"…\"`, or a type that implements `callbox::auth::Authenticate`"
)]
pub trait Authenticate: Send + Sync + 'static {
    /// Returns the caller whose token this is; `None` if the token is not valid.
    ///
    /// # Errors
    /// If the check is not possible now, for example because the database is down. Calls that
    /// depend on it are answered -32003, never admitted. The text of the error is logged, with the
    /// token removed.
    ///
    /// # Panics
    /// A panic counts as such an error. callbox does not log its text; Rust's panic hook prints it
    /// to standard error.
    fn authenticate(&self, token: &str) -> impl Future<Output = Result<Option<Caller>, BoxError>>;

    /// Whether callers can have scopes. Default: true.
    ///
    /// If not, a service with a scoped method is an error at the start: nobody could ever call it.
    fn knows_scopes(&self) -> bool {
        true
    }

    /// Returns how long a valid token is cached: for this time it is accepted without another
    /// check. Default: zero, so each request is checked. Maximum: 10 s; more counts as 10 s.
    ///
    /// The cache saves most requests the way to the thread of the auth actor and back. Zero is the
    /// only value that is right for every authenticator, as callbox cannot see when a token stops
    /// being valid. Return more if [`generation`](Self::generation) changes when a token is
    /// revoked, or if a revoked token does no harm for so long. A cached token is checked again
    /// when its caller [expires](Caller::with_expiry). Invalid tokens and errors are never cached.
    fn keep_for(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns a number that changes whenever an earlier decision may have become wrong. Default:
    /// always 0.
    ///
    /// A change invalidates the cache, and checks in progress are repeated. The number is read for
    /// every request with a token, on the threads of the transport, so it should be the value of an
    /// atomic.
    fn generation(&self) -> u64 {
        0
    }
}

/// The decisions of a closure are not cached: nobody knows what they depend on.
impl<F: Fn(&str) -> bool + Send + Sync + 'static> Authenticate for F {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok(self(token).then(Caller::token_holder))
    }

    fn knows_scopes(&self) -> bool {
        false
    }
}
