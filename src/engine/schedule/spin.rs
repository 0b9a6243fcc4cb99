//! Spinning for a moment before the host parks, in case the next call is about to arrive.
//!
//! Waking a parked thread costs time on both threads. Spinning pays only if a call arrives before
//! spinning has cost as much, so the host spins only while recent calls came close to each other,
//! and less and less often after spinning in vain.

use std::hint::spin_loop;
use std::thread::yield_now;
use std::time::Duration;

use tokio::time::Instant;

use crate::mailbox::Bell;

/// How long the host spins: about as long as it takes both threads to wake the host and to be woken
/// by it.
const DURATION: Duration = Duration::from_micros(20);

/// The host spins if its last sleep, waking included, was shorter than this. Then calls come so
/// close to each other that the next one is likely to arrive while it spins.
const CLOSE_CALLS: Duration = Duration::from_micros(60);

/// Number of processor pauses (about a microsecond in all) after the first call is seen, if the
/// last round had several calls. So a burst arrives as a whole: callers and host that alternate
/// call by call wait for each other's cache lines.
const PAUSES: u32 = 50;

/// Maximum number of parks without spinning after spinning in vain. The number doubles each time
/// (1, 3, 7 …), because on a machine whose cores are all busy the caller may be waiting for the
/// very core that the host spins on.
const MAX_SKIPPED: u32 = 63;

/// Decides whether the host spins before it parks, and spins.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    parked_at: Option<Instant>,
    calls_are_close: bool,
    /// Number of further parks without spinning.
    skip: u32,
    /// Value of `skip` after the last time that the host spun in vain.
    skipped: u32,
}

impl Spin {
    /// Waits a moment for the bell, if that is likely to pay. Returns whether it has rung. `calls`
    /// is the number of calls that started in the last round.
    pub(crate) fn spin(&mut self, bell: &Bell, calls: usize) -> bool {
        if !self.calls_are_close {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let rang = Self::wait(bell, calls);
        self.skipped = if rang { 0 } else { (2 * self.skipped + 1).min(MAX_SKIPPED) };
        self.skip = self.skipped;
        rang
    }

    fn wait(bell: &Bell, calls: usize) -> bool {
        let until = Instant::now() + DURATION;
        while Instant::now() < until {
            for _ in 0..50 {
                if bell.has_rung() {
                    if calls > 1 {
                        (0..PAUSES).for_each(|_| spin_loop());
                    }
                    return true;
                }
                spin_loop();
            }
            // The caller may be waiting for this core.
            yield_now();
        }
        false
    }

    /// Notes that the host parks.
    pub(crate) fn parks(&mut self) {
        self.parked_at = Some(Instant::now());
    }

    /// Notes that the host is awake.
    pub(crate) fn wakes(&mut self, now: Instant) {
        if let Some(since) = self.parked_at.take() {
            self.calls_are_close = now.duration_since(since) < CLOSE_CALLS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_spins_only_while_calls_come_close_to_each_other() {
        let (bell, mut spin) = (Bell::new(1), Spin::default());
        bell.ring(0);
        assert!(!spin.spin(&bell, 1), "no call has come close yet");
        spin.parks();
        spin.wakes(Instant::now());
        assert!(spin.spin(&bell, 1));
        bell.take(|_| {});
        assert!(!spin.spin(&bell, 1), "no call arrives");
        bell.ring(0);
        assert!(!spin.spin(&bell, 1), "not right after spinning in vain");
        assert!(spin.spin(&bell, 1), "but the time after that");
        spin.parks();
        spin.wakes(Instant::now() + CLOSE_CALLS);
        assert!(!spin.spin(&bell, 1), "it was parked for long");
    }

    #[test]
    fn the_more_often_it_spun_in_vain_the_less_often_it_spins() {
        let (bell, mut spin) = (Bell::new(1), Spin::default());
        spin.parks();
        spin.wakes(Instant::now());
        let mut spins = || {
            let spins = spin.skip == 0;
            assert!(!spin.spin(&bell, 1), "no call arrives");
            spins
        };
        let spun: Vec<_> = (0..300).filter(|_| spins()).collect();
        assert_eq!(spun, [0, 2, 6, 14, 30, 62, 126, 190, 254]);
    }
}
