//! How often the log says that peers send too many wrong tokens.

use std::time::{Duration, Instant};

use crate::sync::Mutex;

/// Minimum time between two warnings about one peer.
const INTERVAL: Duration = Duration::from_secs(60);

/// Maximum number of warnings about all peers in that time. An attacker with many addresses must
/// not fill the log.
const MAX_WARNINGS: u32 = 10;

/// The number of warnings about all peers in the interval that has begun.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<(Option<Instant>, u32)>);

impl Warnings {
    /// Whether a warning about a peer may be logged now, the last one about which was at
    /// `last_warning`. If so, notes it in both.
    pub(super) fn take(&self, last_warning: &mut Option<Instant>, now: Instant) -> bool {
        let is_over = |since: Option<Instant>| since.is_none_or(|since| now.duration_since(since) >= INTERVAL);
        if !is_over(*last_warning) {
            return false;
        }
        let (began, logged) = &mut *self.0.lock();
        if is_over(*began) {
            (*began, *logged) = (Some(now), 0);
        }
        let may_warn = *logged < MAX_WARNINGS;
        if may_warn {
            *logged += 1;
            *last_warning = Some(now);
        }
        may_warn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_a_warning_a_minute_and_all_together_have_ten() {
        let (warnings, start) = (Warnings::default(), Instant::now());
        let mut peers = [None; 12];
        for (seconds, expected) in [(0, 10), (30, 0), (59, 0), (60, 10), (119, 0), (120, 10)] {
            let now = start + Duration::from_secs(seconds);
            let taken = peers.iter_mut().filter_map(|peer| warnings.take(peer, now).then_some(()));
            assert_eq!(taken.count(), expected, "after {seconds} s");
        }
        let (warnings, mut one, mut other) = (Warnings::default(), None, None);
        let take = |peer: &mut Option<Instant>, seconds| warnings.take(peer, start + Duration::from_secs(seconds));
        assert!(take(&mut one, 0) && !take(&mut one, 10) && take(&mut other, 10));
        assert!(take(&mut one, 60) && !take(&mut other, 60) && take(&mut other, 70));
    }
}
