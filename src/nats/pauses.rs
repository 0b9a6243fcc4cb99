//! Pauses of this thread, during which messages have waited for nobody knows how long.
//!
//! A message says for how long its caller waits, and not since when: clocks of machines differ. So
//! when the process was stopped, or a method has held this thread, calls that may be too old are
//! answered as if nobody was there: a caller who still waits repeats them elsewhere, and for one
//! who has left nothing runs.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::front::Front;

/// Time between two signs of life of this thread.
const TICK: Duration = Duration::from_millis(50);

/// Time without one that counts as a pause.
const MIN_PAUSE: Duration = Duration::from_millis(200);

/// Maximum time to wait until everything has arrived that was sent during a pause.
const FENCE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known of the pauses of a thread.
pub(super) struct Pauses {
    alive_at: Cell<Instant>,
    /// Length of the last pause, until everything has arrived that was sent during it.
    last: Cell<Duration>,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self { alive_at: Cell::new(Instant::now()), last: Cell::new(Duration::ZERO) }
    }

    /// Returns for how long a message that is taken now may have waited.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let silence = now.duration_since(self.alive_at.get());
        let now_paused = if silence >= MIN_PAUSE { silence } else { Duration::ZERO };
        self.last.get().max(now_paused)
    }

    /// Notes that the thread is alive. Returns whether it was not for a while.
    fn note(&self, now: Instant) -> bool {
        let silence = now.duration_since(self.alive_at.replace(now));
        let was_paused = silence >= MIN_PAUSE;
        if was_paused {
            self.last.set(self.last.get().max(silence));
        }
        was_paused
    }
}

/// Watches the thread.
pub(super) async fn watch(front: Rc<Front>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = ticks.tick().await;
        // The time of the tick is when it was due.
        if front.pauses.note(now.max(Instant::now())) {
            front.connection.fence(FENCE_TIMEOUT).await;
            front.pauses.last.set(Duration::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_arrives_after_a_pause_may_be_as_old_as_the_pause() {
        let pauses = Pauses::new();
        let after = async |ms| {
            tokio::time::advance(Duration::from_millis(ms)).await;
            Instant::now()
        };
        let now = after(100).await;
        assert_eq!((pauses.age(now), pauses.note(now)), (Duration::ZERO, false));
        let now = after(300).await;
        assert_eq!((pauses.age(now), pauses.note(now)), (Duration::from_millis(300), true));
        let now = after(50).await;
        assert_eq!((pauses.age(now), pauses.note(now)), (Duration::from_millis(300), false), "not all has arrived");
        pauses.last.set(Duration::ZERO);
        assert_eq!(pauses.age(after(50).await), Duration::ZERO);
    }
}
