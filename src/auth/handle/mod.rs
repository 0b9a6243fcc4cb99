//! The handle of the auth actor, which the transports hold.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use actix::{Actor, Arbiter, Recipient};
use tokio::sync::Semaphore;

use crate::sync::Arc;

use super::actor::{AuthActor, AuthRequest, AuthUnavailable};
use super::any_authenticator::AnyAuthenticator;
use super::bounded_map::BoundedMap;
use super::cache::DecisionCache;
use super::digest::Digest;
use super::limiter::{Attempt, AttemptsLeft, Limiter, TooManyFailures};
use super::{Authenticate, Caller, CheckedTokens, NotChecked, TokenOutcome};

/// Maximum number of pending requests to the actor.
const MAX_PENDING: usize = 4096;

/// Maximum time to wait for a result of the actor.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The address under which wrong tokens of senders without one are counted: nobody has it.
const SHARED_PEER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Time after which a wrong token of such a sender is answered.
const WRONG_TOKEN_DELAY: Duration = Duration::from_millis(500);

/// Maximum number of such answers that wait.
const MAX_DELAYED: usize = 1024;

/// Maximum number of tokens of such senders that are known to have been valid.
const MAX_KNOWN: usize = 8192;

/// Limits of the work that clients with tokens can cause.
#[derive(Clone, Debug)]
pub(crate) struct AuthLimits {
    /// Maximum number of pending requests to the actor; further ones fail.
    pub(crate) max_pending: usize,
    /// Maximum time to wait for a result.
    pub(crate) timeout: Duration,
    /// Maximum number of wrong tokens per minute from one peer; `None` for no limit.
    pub(crate) failures_per_minute: Option<NonZeroU32>,
}

impl AuthLimits {
    pub(crate) fn new(failures_per_minute: Option<NonZeroU32>) -> Self {
        Self { max_pending: MAX_PENDING, timeout: TIMEOUT, failures_per_minute }
    }
}

/// The handle of the auth actor, with what can be decided without asking it. The actor ends when
/// the handle is dropped.
pub(crate) struct AuthHandle {
    actor: Recipient<AuthRequest>,
    thread: Arbiter,
    /// Permits for requests to the actor.
    permits: Arc<Semaphore>,
    cache: Arc<DecisionCache>,
    limiter: Limiter,
    /// Tokens of senders without an address that were valid when they were last checked. A guess
    /// never gets here, so guesses push out none of them.
    known: BoundedMap<Digest, ()>,
    limits: AuthLimits,
    /// Permits for wrong tokens whose answers wait.
    delays: Semaphore,
    counted: Arc<CheckedTokens>,
}

impl AuthHandle {
    /// Starts the actor on a new thread.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start<A: Authenticate>(authenticator: A, limits: AuthLimits) -> Self {
        let thread = Arbiter::new();
        let authenticator: Arc<dyn AnyAuthenticator> = Arc::new(authenticator);
        let cache = Arc::new(DecisionCache::new(Arc::clone(&authenticator)));
        let (actor_cache, timeout) = (Arc::clone(&cache), limits.timeout);
        let actor = AuthActor::start_in_arbiter(&thread.handle(), move |_| AuthActor {
            authenticator,
            cache: actor_cache,
            timeout,
            in_flight: Default::default(),
        });
        let permits = Arc::new(Semaphore::new(limits.max_pending));
        Self {
            actor: actor.recipient(),
            thread,
            permits,
            cache,
            limiter: Limiter::new(limits.failures_per_minute),
            known: BoundedMap::new(MAX_KNOWN),
            limits,
            delays: Semaphore::new(MAX_DELAYED),
            counted: Arc::default(),
        }
    }

    /// Counts the checked tokens here.
    pub(crate) fn counting(mut self, tokens: Arc<CheckedTokens>) -> Self {
        self.counted = tokens;
        self
    }

    /// Returns whose a token is: an anonymous caller if the token is not valid.
    ///
    /// # Errors
    /// If the peer has sent too many wrong tokens recently, whatever this one is. If the actor has
    /// ended, has too many pending requests, or is late. Such a caller is never admitted.
    pub(crate) async fn authenticate(&self, token: &str, peer: Option<IpAddr>) -> Result<Caller, NotChecked> {
        self.count(self.check(token, peer).await)
    }

    /// As [`authenticate`](Self::authenticate), for a transport that does not say who has sent the
    /// token: all such senders have their wrong tokens counted together. Whoever sends wrong ones
    /// must not lock out the others, so a token that was valid before is checked again whatever the
    /// others send. The answer to one that is not valid takes its time.
    ///
    /// # Errors
    /// Those of [`authenticate`](Self::authenticate).
    pub(crate) async fn authenticate_shared(&self, token: &str) -> Result<Caller, NotChecked> {
        let digest = Digest::of(token);
        let is_known = self.known.shard(&digest).get(&digest).is_some();
        let checked = match is_known {
            true => self.check_known(token, digest).await.map_err(NotChecked::from),
            false => self.check(token, Some(SHARED_PEER)).await,
        };
        match &checked {
            Ok(caller) if caller.is_authenticated() => self.known.shard(&digest).insert(digest, ()),
            // It was revoked: from now on it is one more wrong token.
            Ok(_) => self.known.shard(&digest).remove(&digest),
            Err(_) => {}
        }
        let checked = self.count(checked);
        let is_wrong = !checked.as_ref().is_ok_and(Caller::is_authenticated);
        // A flood of wrong tokens must not fill the memory. It is limited, and so gains nothing.
        if let Some(_delayed) = self.delays.try_acquire().ok().filter(|_| is_wrong) {
            tokio::time::sleep(WRONG_TOKEN_DELAY).await;
        }
        checked
    }

    fn count(&self, checked: Result<Caller, NotChecked>) -> Result<Caller, NotChecked> {
        self.counted.add(match &checked {
            Ok(caller) if caller.is_authenticated() => TokenOutcome::Accepted,
            Ok(_) => TokenOutcome::Rejected,
            Err(NotChecked::Limited { .. }) => TokenOutcome::Limited,
            Err(NotChecked::Unavailable) => TokenOutcome::Unavailable,
        });
        checked
    }

    async fn check(&self, token: &str, peer: Option<IpAddr>) -> Result<Caller, NotChecked> {
        // The limiter comes before the cache: otherwise a peer could guess tokens that are in the
        // cache without ever using up an attempt.
        let left = self.limiter.left(peer, Instant::now());
        if let AttemptsLeft::Exhausted { retry_after } = left {
            return Err(NotChecked::Limited { retry_after });
        }
        let digest = Digest::of(token);
        // For the same reason a peer whose attempts are all pending has to wait for one.
        if left == AttemptsLeft::Available
            && let Some(caller) = self.cache.get(&digest)
        {
            return Ok(caller);
        }
        let late = "a token was not checked: too many other tokens of its peer are being checked";
        match self.with_timeout(late, self.limiter.acquire(peer, digest)).await? {
            Ok(attempt) => Ok(self.ask(token, digest, attempt).await?),
            Err(TooManyFailures { retry_after }) => Err(NotChecked::Limited { retry_after }),
        }
    }

    /// Returns whose a token is that was sent before, by a peer that has not sent it again. A token
    /// that is no longer valid is no wrong token of its peer, and passes the limit of those.
    ///
    /// # Errors
    /// If the actor has ended, has too many pending requests, or is late.
    pub(crate) async fn authenticate_again(&self, token: &str) -> Result<Caller, AuthUnavailable> {
        self.check_known(token, Digest::of(token)).await
    }

    /// Checks a token outside of the limit, which is for guesses.
    async fn check_known(&self, token: &str, digest: Digest) -> Result<Caller, AuthUnavailable> {
        match self.cache.get(&digest) {
            Some(caller) => Ok(caller),
            None => self.ask(token, digest, None).await,
        }
    }

    /// Returns a number that changes whenever an earlier decision may have become wrong.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.cache.generation()
    }

    async fn ask(&self, token: &str, digest: Digest, attempt: Option<Arc<Attempt>>) -> Result<Caller, AuthUnavailable> {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            log_throttled!(ERROR, pending = self.limits.max_pending, "too many pending requests to the authenticator");
            return Err(AuthUnavailable);
        };
        let request = AuthRequest { token: token.into(), digest, attempt, permit };
        let late = "the auth actor did not answer in time";
        self.with_timeout(late, self.actor.send(request)).await?.unwrap_or_else(|error| {
            log_throttled!(ERROR, %error, "the auth actor has ended");
            Err(AuthUnavailable)
        })
    }

    async fn with_timeout<T>(&self, late: &'static str, answer: impl Future<Output = T>) -> Result<T, AuthUnavailable> {
        tokio::time::timeout(self.limits.timeout, answer).await.map_err(|_| {
            log_throttled!(ERROR, timeout = ?self.limits.timeout, "{late}");
            AuthUnavailable
        })
    }
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
