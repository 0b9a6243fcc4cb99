//! Shedding: turning away calls that wait too long, in a mailbox that has been busy for too long to be working off a burst.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

use crate::measure::nanos;

/// A mailbox that has had calls for so long on end is overloaded; and shedding ends when for so long nothing was shed.
const STANDING: Duration = Duration::from_millis(100);

/// Whether one mailbox sheds, as callers and host tell each other.
#[derive(Debug)]
pub(crate) struct Shedding {
    epoch: Instant,
    /// Nanoseconds since `epoch`.
    until: AtomicU64,
}

impl Shedding {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now(), until: AtomicU64::new(0) }
    }

    /// For the host: whether to turn away a call that has `waited` and may wait `most`. Its mailbox has been busy since then.
    pub(crate) fn turns_away(&self, waited: Duration, most: Duration, busy_since: Instant, now: Instant) -> bool {
        let standing = now.saturating_duration_since(busy_since) >= STANDING;
        if standing {
            self.goes_on(now);
        }
        let sheds = waited > most && (standing || self.is_on(now));
        if sheds {
            self.goes_on(now);
        }
        sheds
    }

    /// For callers: whether calls that would wait too long need not come in.
    pub(crate) fn is_on(&self, now: Instant) -> bool {
        self.since_epoch(now) < self.until.load(Ordering::Relaxed)
    }

    /// A call was turned away, so the overload is not over.
    pub(crate) fn goes_on(&self, now: Instant) {
        self.until.fetch_max(self.since_epoch(now) + nanos(STANDING), Ordering::Relaxed);
    }

    fn since_epoch(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_millis(6);

    #[test]
    fn a_burst_is_worked_off_and_only_what_comes_after_is_shed() {
        let (shedding, start) = (Shedding::new(), Instant::now());
        let sheds = |waited, after| shedding.turns_away(waited, MOST, start, start + Duration::from_millis(after));
        assert!(!sheds(LONG, 10) && !sheds(Duration::from_millis(90), 99), "a burst");
        assert!(sheds(LONG, 100) && !sheds(MOST, 101), "overload: those that waited for longer than they may");
    }

    #[test]
    fn shedding_ends_when_nothing_was_shed_for_a_while() {
        let (shedding, start) = (Shedding::new(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(shedding.turns_away(LONG, MOST, start, at(150)));
        assert!(shedding.turns_away(LONG, MOST, at(240), at(249)), "although the mailbox was empty for a moment");
        assert!(shedding.is_on(at(348)) && !shedding.is_on(at(349)));
        shedding.goes_on(at(300));
        assert!(shedding.is_on(at(399)), "a caller was turned away");
        assert!(!shedding.turns_away(LONG, MOST, at(480), at(500)));
    }
}
