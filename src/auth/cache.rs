//! Decisions that may be used again.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::log::{caught, discard};
use crate::sync::Arc;

use super::bounded_map::BoundedMap;
use super::digest::Digest;
use super::{Authenticate, Caller};

/// No decision is older than this, whatever the authenticator says.
const LONGEST: Duration = Duration::from_secs(10);

/// So many decisions are kept, by the hashes of their tokens.
const CAPACITY: usize = 8192;

/// The decisions that let somebody in, shared by all threads. Those that did not are not kept: a flood of bad tokens would push
/// the good ones out.
pub(super) struct DecisionCache {
    kept: BoundedMap<Digest, CachedDecision>,
    rules: Arc<dyn CachePolicy>,
}

/// What an authenticator says of its decisions, whatever its type.
trait CachePolicy: Send + Sync {
    fn keep_for(&self) -> Duration;
    fn generation(&self) -> u64;
}

impl<A: Authenticate> CachePolicy for A {
    fn keep_for(&self) -> Duration {
        Authenticate::keep_for(self)
    }

    fn generation(&self) -> u64 {
        Authenticate::generation(self)
    }
}

struct CachedDecision {
    caller: Caller,
    until: Instant,
    generation: u64,
}

impl DecisionCache {
    pub(super) fn of<A: Authenticate>(authenticator: &Arc<A>) -> Self {
        let rules: Arc<dyn CachePolicy> = Arc::<A>::clone(authenticator);
        Self { kept: BoundedMap::new(CAPACITY), rules }
    }

    /// The generation now. `None` if the authenticator panics instead of telling it: nothing that is kept can be trusted then.
    pub(super) fn generation(&self) -> Option<u64> {
        caught(|| self.rules.generation()).map_err(discard).ok()
    }

    /// AuthRequest a token is, if that was decided a moment ago and still holds.
    pub(super) fn get(&self, token: &Digest) -> Option<Caller> {
        let generation = self.generation()?;
        let mut shard = self.kept.shard(token);
        let kept = shard.get(token)?;
        let holds = kept.generation == generation
            && Instant::now() < kept.until
            && kept.caller.is_authenticated_at(SystemTime::now());
        if holds {
            return Some(kept.caller.clone());
        }
        shard.remove(token);
        None
    }

    /// Keeps a decision that was begun in this generation, if it may be kept.
    pub(super) fn keep(&self, token: Digest, caller: &Caller, generation: u64) {
        let time = caught(|| self.rules.keep_for()).map_err(discard).unwrap_or_default().min(LONGEST);
        if caller.is_authenticated() && !time.is_zero() {
            let kept = CachedDecision { caller: caller.clone(), until: Instant::now() + time, generation };
            self.kept.shard(&token).insert(token, kept);
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
        let cache = DecisionCache::of(&keeper);
        (keeper, cache)
    }

    fn name_of(cache: &DecisionCache, token: &str) -> Option<String> {
        cache.get(&Digest::of(token)).and_then(|caller| caller.name().map(str::to_owned))
    }

    #[test]
    fn a_decision_is_kept_for_its_own_token_and_generation() {
        let (keeper, cache) = keeper(60_000);
        assert_eq!(name_of(&cache, "a"), None);
        cache.keep(Digest::of("a"), &Caller::named("ann"), 0);
        assert_eq!(name_of(&cache, "a").as_deref(), Some("ann"));
        assert_eq!(name_of(&cache, "b"), None);
        keeper.generation.store(1, Ordering::Relaxed);
        assert_eq!(name_of(&cache, "a"), None);
        cache.keep(Digest::of("a"), &Caller::named("late"), 0);
        assert_eq!(name_of(&cache, "a"), None, "decided before the change");
    }

    #[test]
    fn nothing_is_kept_for_longer_than_ten_seconds() {
        let (_, cache) = keeper(3_600_000);
        let token = Digest::of("a");
        cache.keep(token, &Caller::named("ann"), 0);
        let until = cache.kept.shard(&token).get(&token).map(|kept| kept.until);
        assert!(until.is_some_and(|until| until <= Instant::now() + LONGEST));
    }

    #[test]
    fn a_decision_ends_with_its_time_and_with_its_caller() {
        let (_, cache) = keeper(1);
        cache.keep(Digest::of("a"), &Caller::named("ann"), 0);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(name_of(&cache, "a"), None);
        let (_, cache) = keeper(60_000);
        let past = SystemTime::now() - Duration::from_millis(1);
        cache.keep(Digest::of("a"), &Caller::named("ann").with_expiry(past), 0);
        assert_eq!(name_of(&cache, "a"), None);
        cache.keep(Digest::of("a"), &Caller::named("ann").with_expiry(past + LONGEST), 0);
        assert_eq!(name_of(&cache, "a").as_deref(), Some("ann"));
    }

    #[test]
    fn what_may_not_be_kept_and_who_was_not_let_in_is_not_there() {
        let (_, cache) = keeper(0);
        cache.keep(Digest::of("a"), &Caller::named("ann"), 0);
        assert!(cache.get(&Digest::of("a")).is_none());
        let (_, cache) = keeper(60_000);
        cache.keep(Digest::of("a"), &Caller::anonymous(), 0);
        assert!(cache.get(&Digest::of("a")).is_none());
    }
}
