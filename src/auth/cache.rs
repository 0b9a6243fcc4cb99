//! The cache of tokens that were found valid.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::log::{caught, discard};
use crate::sync::Arc;

use super::Caller;
use super::any_authenticator::AnyAuthenticator;
use super::bounded_map::BoundedMap;
use super::digest::Digest;

/// Maximum age of a decision, whatever the authenticator asks for.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Maximum number of decisions.
const CAPACITY: usize = 8192;

/// The valid tokens, by their digests, shared by all threads.
///
/// Invalid tokens are not cached: a flood of them would push out the valid ones.
pub(super) struct DecisionCache {
    decisions: BoundedMap<Digest, CachedDecision>,
    authenticator: Arc<dyn AnyAuthenticator>,
}

struct CachedDecision {
    caller: Caller,
    /// Time from which on the token is checked again.
    until: Instant,
    /// Generation of the authenticator in which the token was checked.
    generation: u64,
}

impl DecisionCache {
    pub(super) fn new(authenticator: Arc<dyn AnyAuthenticator>) -> Self {
        Self { decisions: BoundedMap::new(CAPACITY), authenticator }
    }

    /// Returns the current generation. `None` if the authenticator panics: then no decision can be
    /// trusted.
    pub(super) fn generation(&self) -> Option<u64> {
        caught(|| self.authenticator.generation()).map_err(discard).ok()
    }

    /// Returns whose a token is, if that was decided recently and is still valid.
    pub(super) fn get(&self, token: &Digest) -> Option<Caller> {
        let generation = self.generation()?;
        let mut shard = self.decisions.shard(token);
        let decision = shard.get(token)?;
        let is_valid = decision.generation == generation
            && Instant::now() < decision.until
            && decision.caller.is_authenticated_at(SystemTime::now());
        if is_valid {
            return Some(decision.caller.clone());
        }
        shard.remove(token);
        None
    }

    /// Caches a decision that was made in this generation, if the authenticator allows that.
    pub(super) fn insert(&self, token: Digest, caller: &Caller, generation: u64) {
        let time = caught(|| self.authenticator.keep_for()).map_err(discard).unwrap_or_default().min(MAX_AGE);
        if caller.is_authenticated() && !time.is_zero() {
            let decision = CachedDecision { caller: caller.clone(), until: Instant::now() + time, generation };
            self.decisions.shard(&token).insert(token, decision);
        }
    }
}

impl fmt::Debug for DecisionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionCache").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::BoxError;
    use crate::auth::Authenticate;

    use super::*;

    #[derive(Default)]
    struct Keeper {
        millis: AtomicU64,
        generation: AtomicU64,
    }

    impl Authenticate for Keeper {
        async fn authenticate(&self, _: &str) -> Result<Option<Caller>, BoxError> {
            Ok(None)
        }

        fn keep_for(&self) -> Duration {
            Duration::from_millis(self.millis.load(Ordering::Relaxed))
        }

        fn generation(&self) -> u64 {
            self.generation.load(Ordering::Relaxed)
        }
    }

    fn keeper(millis: u64) -> (Arc<Keeper>, DecisionCache) {
        let keeper = Arc::new(Keeper { millis: millis.into(), generation: 0.into() });
        let cache = DecisionCache::new(keeper.clone());
        (keeper, cache)
    }

    fn name_of(cache: &DecisionCache, token: &str) -> Option<String> {
        cache.get(&Digest::of(token)).and_then(|caller| caller.name().map(str::to_owned))
    }

    #[test]
    fn a_decision_is_cached_for_its_own_token_and_generation() {
        let (keeper, cache) = keeper(60_000);
        assert_eq!(name_of(&cache, "a"), None);
        cache.insert(Digest::of("a"), &Caller::named("ann"), 0);
        assert_eq!(name_of(&cache, "a").as_deref(), Some("ann"));
        assert_eq!(name_of(&cache, "b"), None);
        keeper.generation.store(1, Ordering::Relaxed);
        assert_eq!(name_of(&cache, "a"), None);
        cache.insert(Digest::of("a"), &Caller::named("late"), 0);
        assert_eq!(name_of(&cache, "a"), None, "decided before the change");
    }

    #[test]
    fn no_decision_is_cached_for_longer_than_ten_seconds() {
        let (_, cache) = keeper(3_600_000);
        let token = Digest::of("a");
        cache.insert(token, &Caller::named("ann"), 0);
        let until = cache.decisions.shard(&token).get(&token).map(|decision| decision.until);
        assert!(until.is_some_and(|until| until <= Instant::now() + MAX_AGE));
    }

    #[test]
    fn a_decision_ends_with_its_time_and_with_its_caller() {
        let (_, cache) = keeper(1);
        cache.insert(Digest::of("a"), &Caller::named("ann"), 0);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(name_of(&cache, "a"), None);
        let (_, cache) = keeper(60_000);
        let past = SystemTime::now() - Duration::from_millis(1);
        cache.insert(Digest::of("a"), &Caller::named("ann").with_expiry(past), 0);
        assert_eq!(name_of(&cache, "a"), None);
        cache.insert(Digest::of("a"), &Caller::named("ann").with_expiry(past + MAX_AGE), 0);
        assert_eq!(name_of(&cache, "a").as_deref(), Some("ann"));
    }

    #[test]
    fn invalid_tokens_are_not_cached_nor_are_decisions_that_may_not_be() {
        let (_, cache) = keeper(0);
        cache.insert(Digest::of("a"), &Caller::named("ann"), 0);
        assert!(cache.get(&Digest::of("a")).is_none());
        let (_, cache) = keeper(60_000);
        cache.insert(Digest::of("a"), &Caller::anonymous(), 0);
        assert!(cache.get(&Digest::of("a")).is_none());
    }
}
