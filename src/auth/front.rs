//! The side of the transports: who may ask, what is known already, and the question to the actor.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use actix::{Actor, Arbiter, Recipient};
use tokio::sync::Semaphore;

use crate::sync::Arc;

use super::actor::{AuthActor, Unsure, Whose};
use super::cache::Cache;
use super::digest::Digest;
use super::limiter::Limiter;
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

/// The front's side of the auth actor.
pub(crate) struct Auth {
    actor: Recipient<Whose>,
    thread: Arbiter,
    open: Arc<Semaphore>,
    cache: Arc<Cache>,
    limiter: Limiter,
    limits: AuthLimits,
}

impl Auth {
    /// Starts the actor.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start<A: Authenticate>(authenticator: A, limits: AuthLimits) -> Self {
        let thread = Arbiter::new();
        let authenticator = Arc::new(authenticator);
        let cache = Arc::new(Cache::of(&authenticator));
        let (of_actor, patience) = (Arc::clone(&cache), limits.patience);
        let actor = AuthActor::start_in_arbiter(&thread.handle(), move |_| AuthActor {
            authenticator,
            cache: of_actor,
            patience,
            flights: Default::default(),
        });
        let open = Arc::new(Semaphore::new(limits.open));
        Self { actor: actor.recipient(), thread, open, cache, limiter: Limiter::new(limits.failures), limits }
    }

    /// Who sent this token: anonymous if it is nobody's, and if its peer has sent too many of these lately.
    ///
    /// # Errors
    /// If the actor is gone, has too many questions open, or takes too long. Such a caller is never let through.
    pub(crate) async fn whose(&self, token: &str, peer: Option<IpAddr>) -> Result<Caller, Unsure> {
        // Before the cache, in which a token that is easy to guess could be found without asking.
        if self.limiter.refuses(peer, Instant::now()) {
            tracing::debug!("a token was not looked at: too many wrong ones from its peer");
            return Ok(Caller::anonymous());
        }
        let digest = Digest::of(token);
        if let Some(caller) = self.cache.get(&digest) {
            return Ok(caller);
        }
        let caller = self.ask(token, digest).await?;
        if !caller.is_authenticated() {
            self.limiter.failed(peer, Instant::now());
        }
        Ok(caller)
    }

    async fn ask(&self, token: &str, digest: Digest) -> Result<Caller, Unsure> {
        let Ok(open) = Arc::clone(&self.open).try_acquire_owned() else {
            tracing::error!(open = self.limits.open, "too many open questions to the authenticator");
            return Err(Unsure);
        };
        let question = Whose { token: token.into(), digest, open };
        match tokio::time::timeout(self.limits.patience, self.actor.send(question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "the auth actor is gone");
                Err(Unsure)
            }
            Err(_) => {
                tracing::error!(after = ?self.limits.patience, "the auth actor did not answer in time");
                Err(Unsure)
            }
        }
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        self.thread.stop();
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, limiter, limits, .. } = self;
        f.debug_struct("Auth")
            .field("cache", cache)
            .field("limiter", limiter)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
