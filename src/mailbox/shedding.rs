//! Load shedding: rejects calls that wait too long, in a mailbox that has been busy for longer than
//! a burst takes.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

use crate::measure::nanos;

/// Time for which a mailbox must have had calls without a break to count as overloaded. Shedding
/// ends this long after the mailbox was last overloaded or last rejected a call.
const SHED_INTERVAL: Duration = Duration::from_millis(100);

/// Whether one mailbox sheds load. Shared by callers and host.
#[derive(Debug)]
pub(crate) struct Shedding {
    epoch: Instant,
    /// When shedding ends, in nanoseconds since `epoch`. A time and not a flag: nobody has to come
    /// back to switch it off.
    until: AtomicU64,
}

impl Shedding {
    pub(crate) fn new() -> Self {
        Self { epoch: Instant::now(), until: AtomicU64::new(0) }
    }

    /// For the host: returns whether to shed a call that has `waited` and may wait `max_wait`, in a
    /// mailbox that has been busy since `busy_since`.
    pub(crate) fn sheds(&self, waited: Duration, max_wait: Duration, busy_since: Instant, now: Instant) -> bool {
        let is_overloaded = now.saturating_duration_since(busy_since) >= SHED_INTERVAL;
        if is_overloaded {
            self.prolong(now);
        }
        let sheds = waited > max_wait && (is_overloaded || self.is_active(now));
        if sheds {
            self.prolong(now);
        }
        sheds
    }

    /// For callers: whether calls that would wait too long are rejected at admission.
    pub(crate) fn is_active(&self, now: Instant) -> bool {
        self.since_epoch(now) < self.until.load(Ordering::Relaxed)
    }

    /// Prolongs shedding: the mailbox is overloaded, or a call was rejected.
    pub(crate) fn prolong(&self, now: Instant) {
        self.until.fetch_max(self.since_epoch(now) + nanos(SHED_INTERVAL), Ordering::Relaxed);
    }

    fn since_epoch(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_WAIT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_millis(6);

    #[test]
    fn a_burst_is_served_and_only_a_longer_overload_is_shed() {
        let (shedding, start) = (Shedding::new(), Instant::now());
        let sheds_after = |waited, after| shedding.sheds(waited, MAX_WAIT, start, start + Duration::from_millis(after));
        assert!(!sheds_after(LONG, 10) && !sheds_after(Duration::from_millis(90), 99), "a burst");
        assert!(
            sheds_after(LONG, 100) && !sheds_after(MAX_WAIT, 101),
            "overload: those that waited for longer than they may"
        );
    }

    #[test]
    fn shedding_ends_when_nothing_was_shed_for_a_while() {
        let (shedding, start) = (Shedding::new(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(shedding.sheds(LONG, MAX_WAIT, start, at(150)));
        assert!(shedding.sheds(LONG, MAX_WAIT, at(240), at(249)), "although the mailbox was empty for a moment");
        assert!(shedding.is_active(at(348)) && !shedding.is_active(at(349)));
        shedding.prolong(at(300));
        assert!(shedding.is_active(at(399)), "a call was rejected");
        assert!(!shedding.sheds(LONG, MAX_WAIT, at(480), at(500)));
    }
}
