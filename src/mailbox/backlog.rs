//! The backlog in front of a call, and whether the call can end before its deadline.

use std::time::Duration;

use crate::measure::nanos;

/// Number of measured calls below which the average cost of a method is not trusted, and no call is
/// rejected as hopeless.
pub(super) const MIN_SAMPLES: u64 = 8;

/// The work in front of a call that asks for admission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// Number of calls in its mailbox.
    pub(crate) depth: usize,
    /// Usual run time of a call of the method, and the number of samples it is based on.
    pub(crate) usual: Duration,
    pub(crate) samples: u64,
    /// Weight of the mailbox, and the sum of the weights of all mailboxes that have calls, this one
    /// included.
    pub(crate) weight: u32,
    pub(crate) weights: u32,
}

impl Backlog {
    /// Returns the estimated time until the work in front is done. The scheduler shares time by
    /// weight, so a mailbox with a quarter of the total weight needs four times as long.
    pub(crate) fn wait(&self) -> Duration {
        let depth = u32::try_from(self.depth).unwrap_or(u32::MAX);
        let alone = self.usual.saturating_mul(depth);
        alone.saturating_mul(self.weights.max(self.weight)) / self.weight
    }

    /// Whether the backlog, and then the call itself, takes longer than the call has left.
    #[inline]
    pub(crate) fn is_hopeless(&self, remaining: Duration) -> bool {
        // The same as `wait() + usual >= remaining`, without a division: this runs for every call
        // that finds its mailbox in use.
        let weights = self.depth as u64 * u64::from(self.weights.max(self.weight)) + u64::from(self.weight);
        self.samples >= MIN_SAMPLES
            && nanos(self.usual).saturating_mul(weights) >= nanos(remaining).saturating_mul(u64::from(self.weight))
    }

    /// Returns when a retry may succeed: whole milliseconds, from 1 ms to 1 minute.
    pub(crate) fn retry_after(&self) -> Duration {
        let millis = u64::try_from(self.wait().as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis.clamp(1, 60_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKLOG: Backlog = Backlog { depth: 10, usual: Duration::from_millis(5), samples: 8, weight: 1, weights: 1 };

    #[test]
    fn work_is_hopeless_when_the_backlog_takes_longer_than_the_call_has() {
        assert!(BACKLOG.is_hopeless(Duration::from_millis(55)), "ten before it, and then itself");
        assert!(!BACKLOG.is_hopeless(Duration::from_millis(56)));
        assert!(!Backlog { samples: 7, ..BACKLOG }.is_hopeless(Duration::ZERO), "not before 8 samples");
    }

    #[test]
    fn a_smaller_share_makes_the_wait_longer() {
        assert_eq!(Backlog { weights: 4, ..BACKLOG }.wait(), Duration::from_millis(200));
        assert_eq!(Backlog { weight: 2, weights: 4, ..BACKLOG }.wait(), Duration::from_millis(100));
        assert_eq!(Backlog { depth: 0, ..BACKLOG }.retry_after(), Duration::from_millis(1), "never at once");
    }
}
