//! Whether a token is good, and whose it is.

use std::future::Future;

use crate::BoxError;

use super::Caller;

/// Tells whose a token is. What [`Server::tokens`](crate::Server::tokens) takes.
///
/// A closure from the token to `bool` is enough where every token holder is alike: its callers have no name and no scopes.
/// The methods run on the auth actor's own thread, and while one awaits, others go on.
///
/// ```
/// use callbox::{Authenticate, BoxError, Caller};
///
/// struct Keys(Vec<(String, String)>);
///
/// impl Authenticate for Keys {
///     async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
///         // A database would be asked here, and awaited.
///         let found = self.0.iter().find(|(key, _)| key == token);
///         Ok(found.map(|(_, name)| Caller::named(name.as_str()).with_scope("read")))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check tokens",
    note = "pass a closure `|token: &str| token == \"…\"`, or a type that implements `callbox::Authenticate`"
)]
pub trait Authenticate: Send + Sync + 'static {
    /// Whose token this is; `None` if nobody's.
    ///
    /// # Errors
    /// If it cannot be told now: the database is away, say. The calls that depend on it are answered -32003, never let
    /// through. The error's text goes to the log, so it should not quote the token.
    ///
    /// # Panics
    /// A panic counts as such an error. callbox does not log its text; Rust's own panic hook prints it to standard error.
    fn authenticate(&self, token: &str) -> impl Future<Output = Result<Option<Caller>, BoxError>>;

    /// Whether callers may have scopes. Default: true.
    ///
    /// If not, a service with a scoped method is refused at the start: nobody could ever call it.
    fn knows_scopes(&self) -> bool {
        true
    }
}

impl<F: Fn(&str) -> bool + Send + Sync + 'static> Authenticate for F {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok(self(token).then(Caller::token_holder))
    }

    fn knows_scopes(&self) -> bool {
        false
    }
}
