//! What one connection is doing, as the watch over all connections sees it from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

/// A clock that counts ticks since the start of the server. It is coarse, so that a request need
/// not ask the operating system for the time.
#[derive(Debug)]
pub(super) struct TickClock(AtomicU32);

impl TickClock {
    /// Returns a clock at tick 1, as 0 means "not waiting" in [`ConnectionActivity`].
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(1))
    }

    pub(super) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Advances the clock by one tick and returns the new time.
    pub(super) fn tick(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// How long to wait for a client, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct TickTimeouts {
    /// Maximum wait within a head, within a body, or for a client that does not read its response.
    pub(super) stalled: u32,
    /// Maximum wait for a client that does not read a response that goes on.
    pub(super) stream_stalled: u32,
    /// Maximum wait between requests.
    pub(super) idle: u32,
}

/// What the server has waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// A request on a connection without one.
    Idle,
    /// The rest of a request, or that the client reads its response.
    Stalled,
    /// That the client reads a response that goes on.
    Slow,
}

/// Whether one connection waits for its client, and since when.
///
/// Written by the connection's own thread and read by the watch. Relaxed ordering is enough, as the
/// connection checks the watch's verdict against its own state before it closes.
#[derive(Debug)]
pub(super) struct ConnectionActivity {
    /// The tick since which the server waits for the client; 0 while the server is busy with a
    /// request. The bit [`IDLE`](Self::IDLE) is set between requests.
    waiting_since: AtomicU32,
    /// The tick since which the client has not read what was written for it; 0 if it has.
    write_blocked_since: AtomicU32,
    /// Whether the response goes on, as that of a WebSocket does.
    streams: AtomicBool,
    /// Whether the watch has found that the connection waits for too long.
    timed_out: AtomicBool,
    /// Wakes the connection's task.
    waker: Mutex<Option<Waker>>,
    clock: Arc<TickClock>,
}

impl ConnectionActivity {
    /// The bit of [`waiting_since`](Self::waiting_since) that distinguishes an idle connection from
    /// one that stalls.
    const IDLE: u32 = 1 << 31;

    /// Returns the state of a connection that has just been accepted: it waits for its client.
    pub(super) fn new(clock: Arc<TickClock>) -> Self {
        let waiting_since = AtomicU32::new(clock.now());
        Self {
            waiting_since,
            write_blocked_since: AtomicU32::new(0),
            streams: AtomicBool::new(false),
            timed_out: AtomicBool::new(false),
            waker: Mutex::default(),
            clock,
        }
    }

    /// Records that the server is busy with a request, so nothing is expected of the client.
    pub(super) fn set_busy(&self) {
        self.waiting_since.store(0, Ordering::Relaxed);
    }

    /// Records that from now on the server waits for the client to continue what it has begun.
    pub(super) fn set_waiting(&self) {
        self.waiting_since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// As [`set_waiting`](Self::set_waiting), but keeps the start of a wait that has already begun.
    pub(super) fn set_waiting_if_busy(&self) {
        if self.waiting_since.load(Ordering::Relaxed) == 0 {
            self.set_waiting();
        }
    }

    /// Records that from now on the connection is between requests.
    pub(super) fn set_idle(&self) {
        self.waiting_since.store(self.clock.now() | Self::IDLE, Ordering::Relaxed);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting_since.load(Ordering::Relaxed) & Self::IDLE != 0
    }

    /// Whether the server waits for the client: for a request, for the rest of one, or until the
    /// client reads its response.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.waiting_since.load(Ordering::Relaxed) != 0 || self.write_blocked_since.load(Ordering::Relaxed) != 0
    }

    /// Records whether the response goes on: then a client may pause for longer before it has read
    /// what was written for it.
    pub(super) fn set_streams(&self, streams: bool) {
        self.streams.store(streams, Ordering::Relaxed);
    }

    /// Records that from now on the client has not read everything that was written for it.
    pub(super) fn set_write_blocked(&self) {
        self.write_blocked_since.store(self.clock.now(), Ordering::Relaxed);
    }

    /// Records that the client has read everything that was written for it.
    pub(super) fn clear_write_blocked(&self) {
        self.write_blocked_since.store(0, Ordering::Relaxed);
    }

    /// Returns what the server has waited for, if that was too long.
    pub(super) fn overdue(&self, now: u32, timeouts: TickTimeouts) -> Option<Overdue> {
        let overdue = |since: u32, timeout| since != 0 && now.saturating_sub(since) > timeout;
        let waiting = self.waiting_since.load(Ordering::Relaxed);
        let (waiting_timeout, stalled) = match waiting & Self::IDLE {
            0 => (timeouts.stalled, Overdue::Stalled),
            _ => (timeouts.idle, Overdue::Idle),
        };
        let (write_timeout, unread) = match self.streams.load(Ordering::Relaxed) {
            true => (timeouts.stream_stalled, Overdue::Slow),
            false => (timeouts.stalled, Overdue::Stalled),
        };
        if overdue(waiting & !Self::IDLE, waiting_timeout) {
            return Some(stalled);
        }
        overdue(self.write_blocked_since.load(Ordering::Relaxed), write_timeout).then_some(unread)
    }

    /// Marks the connection as timed out and wakes its task, which then closes it. Returns whether
    /// this is the first call.
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

    /// Cancels the timeout, as a request arrived at the last moment.
    pub(super) fn clear_timeout(&self) {
        self.timed_out.store(false, Ordering::Relaxed);
    }

    pub(super) fn register_waker(&self, waker: &Waker) {
        *self.waker.lock() = Some(waker.clone());
    }
}
