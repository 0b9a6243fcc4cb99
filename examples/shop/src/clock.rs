//! The time, which a test sets by hand.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// The clock of a service: that of the system, or one that stands still until a test moves it.
/// Cheap to clone; all clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    by_hand: Option<watch::Sender<Timestamp>>,
}

impl Clock {
    /// Returns the clock of the system.
    pub fn system() -> Self {
        Self { by_hand: None }
    }

    /// Returns a clock that stands still.
    pub fn stopped_at(now: Timestamp) -> Self {
        Self { by_hand: Some(watch::Sender::new(now)) }
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.by_hand.as_ref().map_or_else(Timestamp::now, |time| *time.borrow())
    }

    /// Moves a clock that stands still, and wakes the sleepers whose time has come.
    ///
    /// # Panics
    /// If this is the clock of the system.
    pub fn advance(&self, by: Duration) {
        let time = self.by_hand.as_ref().expect("nobody moves the clock of the system");
        time.send_modify(|now| *now += by);
    }

    /// Waits until this much time has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.by_hand {
            None => tokio::time::sleep(duration).await,
            Some(time) => {
                let end = self.now() + duration;
                // It fails if the clock is gone, and this is one of its clones.
                let _ = time.subscribe().wait_for(|now| *now >= end).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sleeps_by_a_stopped_clock_wakes_when_it_is_moved() {
        let clock = Clock::stopped_at(Timestamp::UNIX_EPOCH);
        let mut sleep = std::pin::pin!(clock.sleep(Duration::from_secs(60)));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(59));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now().as_second(), 60);
    }
}
