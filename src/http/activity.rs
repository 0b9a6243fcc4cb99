//! What one connection is doing, as the watch over all connections sees it from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

/// Ticks since the start. Coarse, so that a request need not ask the operating system for the time.
#[derive(Debug)]
pub(super) struct TickClock(AtomicU32);

impl TickClock {
    /// Starts at 1, as 0 stands for "not waiting".
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(1))
    }

    pub(super) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns the new time.
    pub(super) fn tick(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// How many ticks a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickTimeouts {
    /// In a head, in a body, or in an answer that the client does not take.
    pub(super) stalled: u32,
    /// Between requests.
    pub(super) idle: u32,
}

/// Whose turn it is on one connection, and since when. Written by the connection's own thread, read
/// by the watch.
#[derive(Debug)]
pub(super) struct ConnectionActivity {
    /// The tick since which something is expected of the client; 0 while it is our turn. With
    /// [`IDLE`](Self::IDLE) it is a request.
    waiting_since: AtomicU32,
    /// The tick since which the client has not taken what is there for it; 0 if it has.
    write_blocked_since: AtomicU32,
    /// The connection has been waited for too long.
    timed_out: AtomicBool,
    /// Wakes the connection's task.
    waker: Mutex<Option<Waker>>,
    clock: Arc<TickClock>,
}

impl ConnectionActivity {
    /// The bit of [`waiting`](Self::waiting_since) that tells an idle connection from one that stalls.
    const IDLE: u32 = 1 << 31;

    /// Of a connection that has just been accepted.
    pub(super) fn new(clock: Arc<TickClock>) -> Self {
        let waiting_since = AtomicU32::new(clock.now());
        Self { waiting_since, write_blocked_since: AtomicU32::new(0), timed_out: AtomicBool::new(false), waker: Mutex::default(), clock }
    }

    pub(super) fn set_busy(&self) {
        self.waiting_since.store(0, Ordering::Relaxed);
    }

    /// Something that has begun is to be continued by the client, from now on.
    pub(super) fn set_waiting(&self) {
        self.waiting_since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// The same, unless that has been expected for some time already.
    pub(super) fn set_waiting_if_busy(&self) {
        if self.waiting_since.load(Ordering::Relaxed) == 0 {
            self.set_waiting();
        }
    }

    /// The connection is between requests, from now on.
    pub(super) fn set_idle(&self) {
        self.waiting_since.store(self.clock.now() | Self::IDLE, Ordering::Relaxed);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting_since.load(Ordering::Relaxed) & Self::IDLE != 0
    }

    /// Whether anything is expected of the client: a request, the rest of one, or that it takes its
    /// answer.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.waiting_since.load(Ordering::Relaxed) != 0 || self.write_blocked_since.load(Ordering::Relaxed) != 0
    }

    /// The client has not taken all that there is for it, from now on.
    pub(super) fn set_write_blocked(&self) {
        self.write_blocked_since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// The client has taken all that there was for it.
    pub(super) fn clear_write_blocked(&self) {
        self.write_blocked_since.store(0, Ordering::Relaxed);
    }

    /// Whether the client has kept us waiting for too long.
    pub(super) fn is_overdue(&self, now: u32, timeouts: TickTimeouts) -> bool {
        let overdue = |since: u32, timeout| since != 0 && now.saturating_sub(since) > timeout;
        let waiting = self.waiting_since.load(Ordering::Relaxed);
        let waiting_timeout = if waiting & Self::IDLE == 0 { timeouts.stalled } else { timeouts.idle };
        overdue(waiting & !Self::IDLE, waiting_timeout) || overdue(self.write_blocked_since.load(Ordering::Relaxed), timeouts.stalled)
    }

    /// Has the connection end itself; returns whether this is the first call.
    pub(super) fn time_out(&self) -> bool {
        let first = !self.timed_out.swap(true, Ordering::Relaxed);
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
        first
    }

    pub(super) fn is_timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// A request came at the last moment, so the connection goes on.
    pub(super) fn clear_timeout(&self) {
        self.timed_out.store(false, Ordering::Relaxed);
    }

    pub(super) fn register_waker(&self, waker: &Waker) {
        *self.waker.lock() = Some(waker.clone());
    }
}
