//! Retries: how often a call that never ran is repeated, after which pause, and within which
//! budget.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The rules by which a client repeats calls that never ran.
///
/// Before a retry the client pauses: first for the time that the server asked for, then for a
/// random time up to a limit that doubles with each attempt (full jitter). If a pause would end
/// after the deadline, the last error is the result.
///
/// All calls of a client share a budget, so that retries do not make an overload worse: each call
/// adds a tenth of a retry, and each retry takes one. In addition there is a small reserve, for
/// clients that rarely call.
///
/// ```
/// use std::time::Duration;
/// use callbox::client::Retry;
///
/// let (first, longest) = (Duration::from_millis(100), Duration::from_secs(5));
/// let retry = Retry::default().attempts(6).pause(first, longest);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    attempts: u32,
    first: Duration,
    longest: Duration,
    share: f64,
    reserve: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, first: Duration::from_millis(50), longest: Duration::from_secs(2), share: 0.1, reserve: 10 }
    }
}

impl Retry {
    /// Returns rules without retries.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// Sets the maximum number of attempts for a call, including the first one. Default: 4. At
    /// least 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the limit of the random pause before the second attempt, which doubles with each
    /// further one, and the longest limit. Default: 50 ms and 2 s.
    #[must_use]
    pub fn pause(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Sets the retry budget: the number of retries that each call adds, and the size of the
    /// reserve, which refills by one each second. Default: 0.1 and 10.
    #[must_use]
    pub fn budget(mut self, share: f64, reserve: u32) -> Self {
        self.share = share.max(0.0);
        self.reserve = reserve;
        self
    }

    /// Returns the limit of the random pause after so many attempts.
    fn limit(&self, tries: u32) -> Duration {
        let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// The rules and the rest of the budget. Shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct RetryState {
    retry: Retry,
    budget: Mutex<RetryBudget>,
}

/// Two token buckets: calls fill the first, time fills the second.
#[derive(Debug)]
struct RetryBudget {
    earned: f64,
    reserve: f64,
    /// When the reserve was last refilled.
    refilled_at: Instant,
}

/// Maximum number of retries that calls can add up to, so that many successful calls do not allow a
/// large burst of retries.
const MAX_EARNED: f64 = 100.0;

impl RetryState {
    pub(crate) fn new(retry: Retry) -> Self {
        let budget = RetryBudget { earned: 0.0, reserve: f64::from(retry.reserve), refilled_at: Instant::now() };
        Self { retry, budget: Mutex::new(budget) }
    }

    /// Counts a new call, which adds to the budget.
    pub(crate) fn count_call(&self) {
        self.with_budget(|budget| budget.earned = (budget.earned + self.retry.share).min(MAX_EARNED));
    }

    /// Takes a retry from the budget and returns the pause before it; nothing if there must be no
    /// further attempt. `retry_after` is the time that the server asked for; without it there is no
    /// pause.
    pub(crate) fn pause(
        &self,
        tries: u32,
        retry_after: Option<Duration>,
        now: Instant,
        deadline: Instant,
    ) -> Option<Duration> {
        if tries >= self.retry.attempts {
            return None;
        }
        let pause = match retry_after {
            Some(asked) => asked.checked_add(random_up_to(self.retry.limit(tries)))?,
            None => Duration::ZERO,
        };
        if now.checked_add(pause)? >= deadline {
            return None;
        }
        self.with_budget(|budget| budget.take(now, self.retry.reserve)).then_some(pause)
    }

    fn with_budget<T>(&self, with: impl FnOnce(&mut RetryBudget) -> T) -> T {
        with(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RetryBudget {
    /// Takes one retry from a bucket, if there is one.
    fn take(&mut self, now: Instant, reserve: u32) -> bool {
        let refill = now.saturating_duration_since(self.refilled_at).as_secs_f64();
        self.reserve = (self.reserve + refill).min(f64::from(reserve));
        self.refilled_at = now;
        let bucket = if self.earned >= 1.0 { &mut self.earned } else { &mut self.reserve };
        let enough = *bucket >= 1.0;
        if enough {
            *bucket -= 1.0;
        }
        enough
    }
}

pub(crate) fn random_up_to(limit: Duration) -> Duration {
    // `RandomState` has new random keys each time, and hashing mixes them. A pause needs no better
    // random numbers, so there is no generator.
    let random = RandomState::new().build_hasher().finish();
    limit.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn pauses(retries: &RetryState, count: usize, now: Instant) -> usize {
        (0..count).filter(|_| retries.pause(1, Some(Duration::ZERO), now, now + SOON).is_some()).count()
    }

    #[test]
    fn retries_are_a_tenth_of_the_calls_and_a_reserve() {
        let (retries, now) = (RetryState::new(Retry::default()), Instant::now());
        assert_eq!(pauses(&retries, 1000, now), 10, "the reserve");
        (0..205).for_each(|_| retries.count_call());
        assert_eq!(pauses(&retries, 1000, now), 20, "a tenth of the calls");
        assert_eq!(pauses(&retries, 1000, now + Duration::from_millis(3500)), 3, "one comes back each second");
        assert_eq!(pauses(&retries, 1000, now + Duration::from_secs(3600)), 10, "and no more than there were");
        (0..100_000).for_each(|_| retries.count_call());
        assert_eq!(pauses(&retries, 1000, now), 100, "what is saved up has a limit");
    }

    #[test]
    fn a_pause_is_random_below_a_limit_that_doubles_and_ends() {
        let retry = Retry::default().pause(Duration::from_millis(10), Duration::from_millis(50));
        let limits: Vec<_> = (1..=4).map(|tries| retry.limit(tries).as_millis()).collect();
        assert_eq!(limits, [10, 20, 40, 50]);
        assert_eq!(retry.limit(1000), Duration::from_millis(50));
        let random: Vec<_> = (0..100).map(|_| random_up_to(Duration::from_millis(50))).collect();
        assert!(random.iter().all(|pause| *pause <= Duration::from_millis(50)));
        assert!(random.iter().any(|pause| *pause != random[0]), "{random:?}");
    }

    #[test]
    fn a_pause_is_at_least_what_the_server_asks_for_and_never_past_the_deadline() {
        let (retries, now) = (RetryState::new(Retry::default()), Instant::now());
        let asked = Duration::from_secs(5);
        let pause = retries.pause(1, Some(asked), now, now + SOON).unwrap();
        assert!((asked..=asked + Duration::from_millis(50)).contains(&pause), "{pause:?}");
        assert_eq!(retries.pause(1, Some(asked), now, now + asked), None);
        assert_eq!(retries.pause(1, Some(Duration::MAX), now, now + SOON), None);
        assert_eq!(retries.pause(1, None, now, now + SOON), Some(Duration::ZERO), "elsewhere, at once");
    }

    #[test]
    fn there_are_no_more_attempts_than_allowed() {
        let now = Instant::now();
        let may = |retry, tries| RetryState::new(retry).pause(tries, Some(Duration::ZERO), now, now + SOON).is_some();
        assert!(may(Retry::default(), 3) && !may(Retry::default(), 4));
        assert!(!may(Retry::never(), 1));
        assert!(!may(Retry::default().budget(0.0, 0), 1));
    }
}
