//! The auth actor: asked by message, it answers who is calling.

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

use super::cache::DecisionCache;
use super::digest::Digest;
use super::limiter::Try;
use super::{Authenticate, Caller};

/// How often a question is put again because the generation has changed meanwhile.
const ROUNDS: usize = 3;

/// The actor that holds the authenticator, on a thread of its own.
pub(super) struct AuthActor<A> {
    pub(super) authenticator: Arc<A>,
    pub(super) cache: Arc<DecisionCache>,
    pub(super) patience: Duration,
    pub(super) flights: Flights,
}

/// The questions that the authenticator is busy with, one for each token.
type Flights = Rc<RefCell<HashMap<Digest, Flight>>>;

type Flight = Shared<LocalBoxFuture<'static, Result<Caller, AuthUnavailable>>>;

impl<A: Authenticate> Actor for AuthActor<A> {
    type Context = Context<Self>;
}

/// AuthRequest is this token?
pub(super) struct AuthRequest {
    pub(super) token: Box<str>,
    pub(super) digest: Digest,
    /// The peer's try, which a wrong token spends. It is settled here, where the answer is known,
    /// also for those who have left.
    pub(super) taken: Option<Arc<Try>>,
    /// The right to ask, given back with the answer: it bounds what the actor has to do, also for those who have left.
    pub(super) open: OwnedSemaphorePermit,
}

impl Message for AuthRequest {
    type Result = Result<Caller, AuthUnavailable>;
}

/// It could not be told whose a token is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthUnavailable;

impl<A: Authenticate> Handler<AuthRequest> for AuthActor<A> {
    type Result = ResponseFuture<Result<Caller, AuthUnavailable>>;

    fn handle(
        &mut self,
        AuthRequest { token, digest, taken, open }: AuthRequest,
        _: &mut Self::Context,
    ) -> Self::Result {
        // Decided while the question was on its way here.
        if let Some(caller) = self.cache.get(&digest) {
            return Box::pin(ready(Ok(caller)));
        }
        let under_way = self.flights.borrow().get(&digest).cloned();
        let flight = under_way.unwrap_or_else(|| self.depart(token, digest));
        Box::pin(flight.inspect(move |answer| {
            if let (Some(taken), Ok(caller)) = (&taken, answer)
                && !caller.is_authenticated()
            {
                taken.spend();
            }
            drop((taken, open));
        }))
    }
}

impl<A: Authenticate> AuthActor<A> {
    /// Begins to find out whose a token is, for all who ask until it is known.
    fn depart(&self, token: Box<str>, digest: Digest) -> Flight {
        let (authenticator, cache) = (Arc::clone(&self.authenticator), Arc::clone(&self.cache));
        let (patience, flights) = (self.patience, Rc::downgrade(&self.flights));
        let flight = async move {
            // Whatever panics in there, and in its drop, must not take the actor along.
            let mut deciding = Harmless::new(decide(&*authenticator, &token).boxed_local());
            let decided = poll_fn(|cx| deciding.get_mut().map_or(Poll::Pending, |deciding| deciding.poll_unpin(cx)));
            let decision = match tokio::time::timeout(patience, AssertUnwindSafe(decided).catch_unwind()).await {
                Ok(Ok(decision)) => decision,
                // Not the panic's text, which may quote the token.
                Ok(Err(panic)) => {
                    log_throttled!(ERROR, "the authenticator panicked");
                    discard(panic);
                    Err(AuthUnavailable)
                }
                Err(_) => {
                    log_throttled!(ERROR, after = ?patience, "the authenticator did not answer in time");
                    Err(AuthUnavailable)
                }
            };
            drop(deciding);
            if let Some(flights) = flights.upgrade() {
                flights.borrow_mut().remove(&digest);
            }
            let (caller, generation) = decision?;
            cache.keep(digest, &caller, generation);
            Ok(caller)
        };
        let flight = flight.boxed_local().shared();
        self.flights.borrow_mut().insert(digest, flight.clone());
        flight
    }
}

/// AuthRequest a token is, and the generation throughout which that was decided: so a token that was revoked meanwhile is not let in
/// by an answer that was on its way.
async fn decide<A: Authenticate>(authenticator: &A, token: &str) -> Result<(Caller, u64), AuthUnavailable> {
    for _ in 0..ROUNDS {
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
        "the authenticator's generation changes all the time: it should change only when tokens are revoked"
    );
    Err(AuthUnavailable)
}
