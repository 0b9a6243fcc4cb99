//! The status of a service, and waiting for it to change.

use tokio::sync::watch;

use crate::mailbox::Bell;
use crate::sync::{Arc, AtomicU8, AtomicU64, Ordering};

/// The status of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Status {
    /// Its first state is being made. Calls are admitted, and wait for it.
    Starting,
    /// It admits and runs calls.
    Up,
    /// Its state could not be made, or was lost too often. Retried with a growing pause.
    Down,
    /// It runs the calls that it has admitted, and admits no more.
    Draining,
    /// The shutdown timeout is over.
    Cut,
    /// It has ended.
    Stopped,
}

impl Status {
    const ALL: [Self; 6] = [Self::Starting, Self::Up, Self::Down, Self::Draining, Self::Cut, Self::Stopped];

    /// Whether calls are admitted.
    pub(crate) fn admits(self) -> bool {
        matches!(self, Self::Starting | Self::Up)
    }
}

/// The life of one service, from its start to its stop.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    status: AtomicU8,
    seen: watch::Sender<Status>,
    /// Number of times that the state or the host was replaced.
    restarts: AtomicU64,
    /// Wakes the host, which acts on a new status.
    bell: Arc<Bell>,
}

impl Lifecycle {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        let (status, seen) = (AtomicU8::new(Status::Starting as u8), watch::Sender::new(Status::Starting));
        Self { status, seen, restarts: AtomicU64::new(0), bell }
    }

    /// Returns the current status.
    pub(crate) fn status(&self) -> Status {
        Status::ALL[usize::from(self.status.load(Ordering::Acquire))]
    }

    /// Moves the stop forward to this status, never back, since several callers may ask for one.
    /// Wakes the host.
    pub(crate) fn advance(&self, status: Status) {
        self.status.fetch_max(status as u8, Ordering::AcqRel);
        self.show();
        self.bell.nudge();
    }

    /// Shows the status to those who wait for it. It is read under the lock of the channel, so what
    /// is shown last is what was set last.
    fn show(&self) {
        self.seen.send_modify(|seen| *seen = self.status());
    }

    /// Stops the service if it is still starting. Returns whether it did. A service that comes up
    /// at this moment may have calls that wait, so it must be drained instead.
    pub(crate) fn stop_before_start(&self) -> bool {
        let (from, to) = (Status::Starting as u8, Status::Stopped as u8);
        let set = self.status.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if set {
            self.show();
            self.bell.nudge();
        }
        set
    }

    /// Sets the status, unless a stop was requested. Returns whether it did.
    pub(crate) fn set_unless_stopping(&self, status: Status) -> bool {
        let free = |now: u8| (now < Status::Draining as u8).then_some(status as u8);
        let set = self.status.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).is_ok();
        if set {
            self.show();
        }
        set
    }

    /// Waits for a status that `wanted` accepts.
    pub(crate) async fn until(&self, wanted: fn(&Status) -> bool) -> Status {
        let mut seen = self.seen.subscribe();
        seen.wait_for(wanted).await.map_or(Status::Stopped, |status| *status)
    }

    /// Counts a replacement of the state or the host.
    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of replacements.
    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_request_for_a_stop_does_not_turn_it_back() {
        let lifecycle = Lifecycle::new(Arc::new(Bell::new(1)));
        assert!(lifecycle.set_unless_stopping(Status::Up));
        for (set, expected) in [
            (Status::Draining, Status::Draining),
            (Status::Cut, Status::Cut),
            (Status::Draining, Status::Cut),
            (Status::Stopped, Status::Stopped),
            (Status::Cut, Status::Stopped),
        ] {
            lifecycle.advance(set);
            assert_eq!((lifecycle.status(), *lifecycle.seen.borrow()), (expected, expected));
        }
        assert!(!lifecycle.set_unless_stopping(Status::Up));
    }
}
