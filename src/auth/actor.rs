//! The auth actor: it owns the authenticator and finds out whose a token is.
//!
//! Requests for one token that overlap share one call of the authenticator.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, Shared, ready};
use tokio::sync::OwnedSemaphorePermit;

use crate::log::{Harmless, discard};
use crate::sync::Arc;

use super::Caller;
use super::any_authenticator::AnyAuthenticator;
use super::cache::DecisionCache;
use super::digest::Digest;
use super::limiter::Attempt;

/// Number of times that a token is checked if the generation changes during each check.
const MAX_ATTEMPTS: usize = 3;

/// The actor that owns the authenticator, on its own thread.
pub(super) struct AuthActor {
    pub(super) authenticator: Arc<dyn AnyAuthenticator>,
    pub(super) cache: Arc<DecisionCache>,
    /// Maximum time of one check.
    pub(super) timeout: Duration,
    pub(super) in_flight: ChecksInFlight,
}

/// The checks in progress, at most one per token.
type ChecksInFlight = Rc<RefCell<HashMap<Digest, SharedCheck>>>;

/// A check that several requests wait for.
type SharedCheck = Shared<LocalBoxFuture<'static, Result<Caller, AuthUnavailable>>>;

impl Actor for AuthActor {
    type Context = Context<Self>;
}

/// The message that asks whose a token is.
pub(super) struct AuthRequest {
    pub(super) token: Box<str>,
    pub(super) digest: Digest,
    /// The peer's attempt, which a wrong token uses up. The actor settles it, as it learns the
    /// result even if the client has left.
    pub(super) attempt: Option<Arc<Attempt>>,
    /// Permit that bounds the number of pending requests. The actor returns it with the result, so
    /// that requests of clients that have left count as well.
    pub(super) permit: OwnedSemaphorePermit,
}

impl Message for AuthRequest {
    type Result = Result<Caller, AuthUnavailable>;
}

/// The error of a check that has no result: the authenticator failed, was late, or is overloaded.
/// Calls that depend on it are answered -32003.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthUnavailable;

impl Handler<AuthRequest> for AuthActor {
    type Result = ResponseFuture<Result<Caller, AuthUnavailable>>;

    fn handle(
        &mut self,
        AuthRequest { token, digest, attempt, permit }: AuthRequest,
        _: &mut Self::Context,
    ) -> Self::Result {
        // Another request may have decided while this one waited for the actor.
        if let Some(caller) = self.cache.get(&digest) {
            return Box::pin(ready(Ok(caller)));
        }
        let in_flight = self.in_flight.borrow().get(&digest).cloned();
        let check = in_flight.unwrap_or_else(|| self.start_check(token, digest));
        Box::pin(check.inspect(move |result| {
            if let (Some(attempt), Ok(caller)) = (&attempt, result)
                && !caller.is_authenticated()
            {
                attempt.use_up();
            }
            drop((attempt, permit));
        }))
    }
}

impl AuthActor {
    /// Starts to check a token, for all requests that arrive before the result.
    fn start_check(&self, token: Box<str>, digest: Digest) -> SharedCheck {
        let (authenticator, cache) = (Arc::clone(&self.authenticator), Arc::clone(&self.cache));
        let (timeout, in_flight) = (self.timeout, Rc::downgrade(&self.in_flight));
        let check = async move {
            // A panic of the authenticator, in a poll or in a drop, must not end the actor.
            let mut deciding = Harmless::new(decide(&*authenticator, &token).boxed_local());
            let decided = poll_fn(|cx| deciding.get_mut().map_or(Poll::Pending, |deciding| deciding.poll_unpin(cx)));
            let decision = match tokio::time::timeout(timeout, AssertUnwindSafe(decided).catch_unwind()).await {
                Ok(Ok(decision)) => decision,
                // The panic's text is not logged: it may quote the token.
                Ok(Err(panic)) => {
                    log_throttled!(ERROR, "the authenticator panicked");
                    discard(panic);
                    Err(AuthUnavailable)
                }
                Err(_) => {
                    log_throttled!(ERROR, ?timeout, "the authenticator did not answer in time");
                    Err(AuthUnavailable)
                }
            };
            drop(deciding);
            // Removed before the result is known to anybody: a later request starts a check of its
            // own.
            if let Some(in_flight) = in_flight.upgrade() {
                in_flight.borrow_mut().remove(&digest);
            }
            let (caller, generation) = decision?;
            cache.insert(digest, &caller, generation);
            Ok(caller)
        };
        let check = check.boxed_local().shared();
        self.in_flight.borrow_mut().insert(digest, check.clone());
        check
    }
}

/// Returns whose a token is, and the generation in which that was decided.
///
/// The generation is the same before and after the check. So a token that was revoked during the
/// check is not admitted by a result from before.
async fn decide(authenticator: &dyn AnyAuthenticator, token: &str) -> Result<(Caller, u64), AuthUnavailable> {
    for _ in 0..MAX_ATTEMPTS {
        let generation = authenticator.generation();
        let caller = match authenticator.authenticate(token).await {
            Ok(caller) => caller.filter(|caller| caller.is_authenticated_at(SystemTime::now())),
            Err(error) => {
                let error = error.to_string().replace(token, "[token]");
                log_throttled!(ERROR, %error, "the authenticator failed");
                return Err(AuthUnavailable);
            }
        };
        if authenticator.generation() == generation {
            return Ok((caller.unwrap_or_default(), generation));
        }
    }
    log_throttled!(
        ERROR,
        "the authenticator's generation changed during each check: it should change only when tokens are revoked"
    );
    Err(AuthUnavailable)
}
