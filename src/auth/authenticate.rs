//! Whether a token is good, and whose it is.

use std::future::Future;
use std::time::Duration;

use crate::BoxError;

use super::Caller;

/// Tells whose a token is. What [`Server::tokens`](crate::Server::tokens) takes.
///
/// A closure from the token to `bool` is enough where every token holder is alike: its callers have no name and no scopes.
/// [`Tokens`](crate::auth::Tokens) is one that knows a file of hashed tokens. The methods run on the auth actor's own thread, and
/// while one awaits, others go on; of several requests with one token that come meanwhile, it is asked once.
///
/// ```
/// use callbox::auth::Authenticate;
/// use callbox::{BoxError, Caller};
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
///
/// One that passes questions on to another should pass on the answers of all its methods, [`keep_for`](Self::keep_for) and
/// [`generation`](Self::generation) together.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check tokens",
    note = "pass a closure `|token: &str| token == \"…\"`, or a type that implements `callbox::auth::Authenticate`"
)]
pub trait Authenticate: Send + Sync + 'static {
    /// AuthRequest token this is; `None` if nobody's.
    ///
    /// # Errors
    /// If it cannot be told now: the database is away, say. The calls that depend on it are answered -32003, never let
    /// through. The error's text goes to the log, without the token if it should quote it.
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

    /// How long a token that was found good may be taken for good without asking again. Default: zero, so each request asks.
    ///
    /// It saves most requests the way to the auth actor's thread and back. Zero is the only value that is right for any
    /// authenticator: callbox cannot see when a token stops being good. Give more, of which 10 s count at most, if
    /// [`generation`](Self::generation) changes when a token is revoked, or if it does no harm for so long. A kept decision
    /// also ends when its caller [expires](Caller::with_expiry). That a token is bad is never kept, nor is an error.
    fn keep_for(&self) -> Duration {
        Duration::ZERO
    }

    /// A number that is another one as soon as a decision made before may no longer hold. Default: always 0.
    ///
    /// A change ends all kept decisions, and what was being decided meanwhile is decided anew. It is read for every request
    /// with a token, on the threads of the transport, so it should be no more than the value of an atomic number.
    fn generation(&self) -> u64 {
        0
    }
}

/// As nobody knows what a closure looks at, its decisions are not kept.
impl<F: Fn(&str) -> bool + Send + Sync + 'static> Authenticate for F {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok(self(token).then(Caller::token_holder))
    }

    fn knows_scopes(&self) -> bool {
        false
    }
}
