//! The side of the transports: who may ask, what is known already, and the question to the actor.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use actix::{Actor, Arbiter, Recipient};
use tokio::sync::Semaphore;

use crate::sync::Arc;

use super::actor::{AuthActor, AuthRequest, AuthUnavailable};
use super::cache::DecisionCache;
use super::digest::Digest;
use super::limiter::{Limiter, TooManyFailures, TriesLeft, Try};
use super::{Authenticate, Caller};

/// What callers with tokens may make a server do.
#[derive(Clone, Debug)]
pub(crate) struct AuthLimits {
    /// So many questions may be open at once; further ones count as unanswered.
    pub(crate) open: usize,
    /// How long an answer is waited for.
    pub(crate) patience: Duration,
    /// The wrong tokens that one peer may send in a minute; `None` for any number.
    pub(crate) failures: Option<NonZeroU32>,
}

impl AuthLimits {
    pub(crate) fn new(failures: Option<NonZeroU32>) -> Self {
        Self { open: 4096, patience: Duration::from_secs(5), failures }
    }
}

/// The handle's side of the auth actor.
pub(crate) struct AuthHandle {
    actor: Recipient<AuthRequest>,
    thread: Arbiter,
    open: Arc<Semaphore>,
    cache: Arc<DecisionCache>,
    limiter: Limiter,
    limits: AuthLimits,
}

impl AuthHandle {
    /// Starts the actor.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start<A: Authenticate>(authenticator: A, limits: AuthLimits) -> Self {
        let thread = Arbiter::new();
        let authenticator = Arc::new(authenticator);
        let cache = Arc::new(DecisionCache::of(&authenticator));
        let (of_actor, patience) = (Arc::clone(&cache), limits.timeout);
        let actor = AuthActor::start_in_arbiter(&thread.handle(), move |_| AuthActor {
            authenticator,
            cache: of_actor,
            patience,
            flights: Default::default(),
        });
        let open = Arc::new(Semaphore::new(limits.max_pending));
        Self {
            actor: actor.recipient(),
            thread,
            open,
            cache,
            limiter: Limiter::new(limits.failures_per_minute),
            limits,
        }
    }

    /// Who sent this token: anonymous if it is nobody's, and if its peer has sent too many of these lately.
    ///
    /// # Errors
    /// If the actor is gone, has too many questions open, or takes too long. Such a caller is never let through.
    pub(crate) async fn authenticate(&self, token: &str, peer: Option<IpAddr>) -> Result<Caller, AuthUnavailable> {
        // Before the cache, in which a token that is easy to guess could be found without asking.
        let left = self.limiter.left(peer, Instant::now());
        if left == TriesLeft::Exhausted {
            return Ok(refused());
        }
        let digest = Digest::of(token);
        // While all tries of a peer are out, it may not look there either.
        if left == TriesLeft::Available
            && let Some(caller) = self.cache.get(&digest)
        {
            return Ok(caller);
        }
        let tries = "the tries of its peer are all out: a token was not looked at";
        match self.within_patience(tries, self.limiter.take(peer, digest)).await? {
            Ok(taken) => self.ask(token, digest, taken).await,
            Err(TooManyFailures) => Ok(refused()),
        }
    }

    async fn ask(&self, token: &str, digest: Digest, taken: Option<Arc<Try>>) -> Result<Caller, AuthUnavailable> {
        let Ok(open) = Arc::clone(&self.open).try_acquire_owned() else {
            log_throttled!(ERROR, open = self.limits.max_pending, "too many open questions to the authenticator");
            return Err(AuthUnavailable);
        };
        let question = AuthRequest { token: token.into(), digest, taken, open };
        let late = "the auth actor did not answer in time";
        self.within_patience(late, self.actor.send(question)).await?.unwrap_or_else(|error| {
            log_throttled!(ERROR, %error, "the auth actor is gone");
            Err(AuthUnavailable)
        })
    }

    async fn within_patience<T>(
        &self,
        late: &'static str,
        answer: impl Future<Output = T>,
    ) -> Result<T, AuthUnavailable> {
        tokio::time::timeout(self.limits.timeout, answer).await.map_err(|_| {
            log_throttled!(ERROR, after = ?self.limits.timeout, "{late}");
            AuthUnavailable
        })
    }
}

/// The answer to a peer with too many wrong tokens is that to any wrong token.
fn refused() -> Caller {
    log_debug!("a token was not looked at: too many wrong ones from its peer");
    Caller::anonymous()
}

impl Drop for AuthHandle {
    fn drop(&mut self) {
        self.thread.stop();
    }
}

impl fmt::Debug for AuthHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, limiter, limits, .. } = self;
        f.debug_struct("AuthHandle")
            .field("cache", cache)
            .field("limiter", limiter)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
