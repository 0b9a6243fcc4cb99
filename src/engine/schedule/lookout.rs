//! Looking out for calls for a moment before the host parks.

use std::hint::spin_loop;
use std::thread::yield_now;
use std::time::Duration;

use tokio::time::Instant;

use crate::mailbox::Bell;

/// So long the host looks out. To wake it, and be woken by it, costs both threads about as much.
const LOOK: Duration = Duration::from_micros(20);

/// It does so if it last slept for less than this, the time of waking it included: then calls come so close to each other that
/// the next one is likely to be seen.
const CLOSE: Duration = Duration::from_micros(60);

/// If several calls came the last time, it lets others join the one that it sees, for so many short pauses of the processor (a
/// microsecond or so). Callers and host that take turns call by call wait for each other's cache lines; in bursts they do not.
const PAUSES: u32 = 50;

/// After looking out in vain it parks at once the next time, then the next three times, and so on up to so many: on a machine
/// whose cores are all in use the caller may be waiting for the very core that the host looks out on.
const MOST_SKIPPED: u32 = 63;

/// Whether the host is better awake for a moment.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    asleep_since: Option<Instant>,
    calls_are_close: bool,
    /// So many times it is not worth a try.
    skip: u32,
    /// How many that was the last time.
    skipped: u32,
}

impl Lookout {
    /// Waits a moment for the bell, if that is likely to pay. Whether it has rung. `calls` came the last time.
    pub(crate) fn sees(&mut self, bell: &Bell, calls: usize) -> bool {
        if !self.calls_are_close {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let seen = Self::looks_out(bell, calls);
        self.skipped = if seen { 0 } else { (2 * self.skipped + 1).min(MOST_SKIPPED) };
        self.skip = self.skipped;
        seen
    }

    fn looks_out(bell: &Bell, calls: usize) -> bool {
        let until = Instant::now() + LOOK;
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
            // Whoever is about to call may be waiting for this core.
            yield_now();
        }
        false
    }

    /// The host parks.
    pub(crate) fn sleeps(&mut self) {
        self.asleep_since = Some(Instant::now());
    }

    /// The host is awake.
    pub(crate) fn wakes(&mut self, now: Instant) {
        if let Some(since) = self.asleep_since.take() {
            self.calls_are_close = now.duration_since(since) < CLOSE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_out_while_calls_come_close_to_each_other_only() {
        let (bell, mut lookout) = (Bell::new(1), Lookout::default());
        bell.ring(0);
        assert!(!lookout.sees(&bell, 1), "it does not look");
        lookout.sleeps();
        lookout.wakes(Instant::now());
        assert!(lookout.sees(&bell, 1));
        bell.take(|_| {});
        assert!(!lookout.sees(&bell, 1), "nobody rings");
        bell.ring(0);
        assert!(!lookout.sees(&bell, 1), "not at once after it was in vain");
        assert!(lookout.sees(&bell, 1), "but again by and by");
        lookout.sleeps();
        lookout.wakes(Instant::now() + CLOSE);
        assert!(!lookout.sees(&bell, 1), "it slept for long");
    }

    #[test]
    fn the_more_often_it_was_in_vain_the_less_often_it_looks_out() {
        let (bell, mut lookout) = (Bell::new(1), Lookout::default());
        lookout.sleeps();
        lookout.wakes(Instant::now());
        let mut looks = || {
            let looks = lookout.skip == 0;
            assert!(!lookout.sees(&bell, 1), "nobody rings");
            looks
        };
        let looked: Vec<_> = (0..300).filter(|_| looks()).collect();
        assert_eq!(looked, [0, 2, 6, 14, 30, 62, 126, 190, 254]);
    }
}
