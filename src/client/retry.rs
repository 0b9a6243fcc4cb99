//! When a call that never ran is made again: how often, after what pause, and within what budget.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How a client tries again what never ran.
///
/// Between two tries it pauses for a random time up to a limit that doubles with each try (full jitter), and for what the
/// server asks for before that. It never pauses past the deadline: then the last error is the answer.
///
/// A budget that all calls of a client share keeps retries from making an overload worse: each call adds a tenth of a
/// retry, each retry takes one. Beside that there is a small reserve, for clients that seldom call.
///
/// ```
/// use std::time::Duration;
/// use callbox::client::Retry;
///
/// let patient = Retry::default().attempts(6).pause(Duration::from_millis(100), Duration::from_secs(5));
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
    /// No call is made a second time.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How often a call is made at most, the first time included. Default: 4. At least 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The limit of the random pause before the second try, which doubles with each further one, and where that ends.
    /// Default: 50 ms and 2 s.
    #[must_use]
    pub fn pause(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// How many retries there may be for each call, on average, and how many beside that, of which one comes back each
    /// second. Default: 0.1 and 10.
    #[must_use]
    pub fn budget(mut self, share: f64, reserve: u32) -> Self {
        self.share = share.max(0.0);
        self.reserve = reserve;
        self
    }

    /// The limit of the random pause after so many tries.
    fn limit(&self, tries: u32) -> Duration {
        let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// The rules, and what is left of the budget. Shared by all clones of a client.
#[derive(Debug)]
pub(super) struct Retries {
    retry: Retry,
    budget: Mutex<Budget>,
}

/// Two buckets: one that calls fill, and one that time fills.
#[derive(Debug)]
struct Budget {
    earned: f64,
    reserve: f64,
    filled: Instant,
}

/// More than this is not saved up: a long quiet time must not pay for a storm.
const MOST_EARNED: f64 = 100.0;

impl Retries {
    pub(super) fn new(retry: Retry) -> Self {
        let budget = Budget { earned: 0.0, reserve: f64::from(retry.reserve), filled: Instant::now() };
        Self { retry, budget: Mutex::new(budget) }
    }

    /// A call is made for the first time.
    pub(super) fn called(&self) {
        self.with_budget(|budget| budget.earned = (budget.earned + self.retry.share).min(MOST_EARNED));
    }

    /// The pause before the next try after so many tries, if there may be one. `asked` is what the server wants.
    pub(super) fn pause(&self, tries: u32, asked: Duration, now: Instant, deadline: Instant) -> Option<Duration> {
        if tries >= self.retry.attempts {
            return None;
        }
        let pause = asked.checked_add(random_up_to(self.retry.limit(tries)))?;
        if now.checked_add(pause)? >= deadline {
            return None;
        }
        self.with_budget(|budget| budget.take(now, self.retry.reserve)).then_some(pause)
    }

    fn with_budget<T>(&self, with: impl FnOnce(&mut Budget) -> T) -> T {
        with(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Budget {
    fn take(&mut self, now: Instant, reserve: u32) -> bool {
        let back = now.saturating_duration_since(self.filled).as_secs_f64();
        self.reserve = (self.reserve + back).min(f64::from(reserve));
        self.filled = now;
        let bucket = if self.earned >= 1.0 { &mut self.earned } else { &mut self.reserve };
        let enough = *bucket >= 1.0;
        if enough {
            *bucket -= 1.0;
        }
        enough
    }
}

fn random_up_to(limit: Duration) -> Duration {
    // The keys of each new state differ, and hashing spreads them: no generator is needed for a pause.
    let random = RandomState::new().build_hasher().finish();
    limit.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn pauses(retries: &Retries, count: usize, now: Instant) -> usize {
        (0..count).filter(|_| retries.pause(1, Duration::ZERO, now, now + SOON).is_some()).count()
    }

    #[test]
    fn retries_are_a_tenth_of_the_calls_and_a_reserve() {
        let (retries, now) = (Retries::new(Retry::default()), Instant::now());
        assert_eq!(pauses(&retries, 1000, now), 10, "the reserve");
        (0..205).for_each(|_| retries.called());
        assert_eq!(pauses(&retries, 1000, now), 20, "a tenth");
        assert_eq!(pauses(&retries, 1000, now + Duration::from_millis(3500)), 3, "one comes back each second");
        assert_eq!(pauses(&retries, 1000, now + Duration::from_secs(3600)), 10, "and no more than there were");
        (0..100_000).for_each(|_| retries.called());
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
    fn a_pause_is_as_long_as_the_server_asks_and_never_past_the_deadline() {
        let (retries, now) = (Retries::new(Retry::default()), Instant::now());
        let asked = Duration::from_secs(5);
        let pause = retries.pause(1, asked, now, now + SOON).unwrap();
        assert!((asked..=asked + Duration::from_millis(50)).contains(&pause), "{pause:?}");
        assert_eq!(retries.pause(1, asked, now, now + asked), None);
        assert_eq!(retries.pause(1, Duration::MAX, now, now + SOON), None);
    }

    #[test]
    fn there_are_no_more_tries_than_allowed() {
        let now = Instant::now();
        let may = |retry, tries| Retries::new(retry).pause(tries, Duration::ZERO, now, now + SOON).is_some();
        assert!(may(Retry::default(), 3) && !may(Retry::default(), 4));
        assert!(!may(Retry::never(), 1));
        assert!(!may(Retry::default().budget(0.0, 0), 1));
    }
}
