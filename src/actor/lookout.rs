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

/// Whether the host is better awake for a moment.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    asleep_since: Option<Instant>,
    calls_are_close: bool,
}

impl Lookout {
    /// Waits a moment for the bell, if that is likely to pay. Whether it has rung. `calls` came the last time.
    pub(crate) fn sees(&self, bell: &Bell, calls: usize) -> bool {
        if !self.calls_are_close {
            return false;
        }
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
        lookout.sleeps();
        lookout.wakes(Instant::now() + CLOSE);
        bell.ring(0);
        assert!(!lookout.sees(&bell, 1), "it slept for long");
    }
}
