//! What a service is doing, and who waits for that to change.

use tokio::sync::watch;

use crate::mailbox::Bell;
use crate::sync::{Arc, AtomicU8, AtomicU64, Ordering};

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Status {
    /// Its first state is being made. What is admitted waits for it.
    Starting,
    Up,
    /// Its state could not be made, or was lost too often; tried again by and by.
    Down,
    /// Runs what it has admitted, and admits no more.
    Draining,
    /// The time to drain is over.
    Cut,
    Stopped,
}

impl Status {
    const ALL: [Self; 6] = [Self::Starting, Self::Up, Self::Down, Self::Draining, Self::Cut, Self::Stopped];

    pub(crate) fn admits(self) -> bool {
        matches!(self, Self::Starting | Self::Up)
    }
}

/// The life of one service, from its start to its stop.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    status: AtomicU8,
    seen: watch::Sender<Status>,
    /// How often the state was made anew, or the host was.
    restarts: AtomicU64,
    /// Wakes the host, which has to know of a new status.
    bell: Arc<Bell>,
}

impl Lifecycle {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        let (status, seen) = (AtomicU8::new(Status::Starting as u8), watch::Sender::new(Status::Starting));
        Self { status, seen, restarts: AtomicU64::new(0), bell }
    }

    pub(crate) fn status(&self) -> Status {
        Status::ALL[usize::from(self.status.load(Ordering::Acquire))]
    }

    pub(crate) fn set(&self, status: Status) {
        self.status.store(status as u8, Ordering::Release);
        self.seen.send_replace(status);
        self.bell.nudge();
    }

    /// Stops the service if it has not got up yet. Whether it did: one that gets up at this moment has calls that wait, and is
    /// drained.
    pub(crate) fn stop_before_start(&self) -> bool {
        let (from, to) = (Status::Starting as u8, Status::Stopped as u8);
        let set = self.status.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if set {
            self.seen.send_replace(Status::Stopped);
            self.bell.nudge();
        }
        set
    }

    /// Sets the status unless a stop was asked for. Whether it did.
    pub(crate) fn set_unless_stopping(&self, status: Status) -> bool {
        let free = |now: u8| (now < Status::Draining as u8).then_some(status as u8);
        let set = self.status.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).is_ok();
        if set {
            self.seen.send_replace(self.status());
        }
        set
    }

    /// Waits until the status is one of those that `wanted` accepts.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut seen = self.seen.subscribe();
        seen.wait_for(wanted).await.map_or(Status::Stopped, |status| *status)
    }

    /// The state was made anew, or the host was.
    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}
