//! What one connection is doing, as the watch over all connections sees it from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Waker;

use parking_lot::Mutex;

/// Ticks since the start. Coarse, so that a request need not ask the operating system for the time.
#[derive(Debug)]
pub(super) struct Clock(AtomicU32);

impl Clock {
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
pub(super) struct Patience {
    /// In a head, in a body, or in an answer that the client does not take.
    pub(super) stalled: u32,
    /// Between requests.
    pub(super) idle: u32,
}

/// Whose turn it is on one connection, and since when. Written by the connection's own thread, read
/// by the watch.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The tick since which something is expected of the client; 0 while it is our turn. With
    /// [`IDLE`](Self::IDLE) it is a request.
    waiting: AtomicU32,
    /// The tick since which the client has not taken what is there for it; 0 if it has.
    blocked: AtomicU32,
    /// The connection has been waited for too long.
    over: AtomicBool,
    /// Wakes the connection's task.
    waker: Mutex<Option<Waker>>,
    clock: Arc<Clock>,
}

impl Pulse {
    /// The bit of [`waiting`](Self::waiting) that tells an idle connection from one that stalls.
    const IDLE: u32 = 1 << 31;

    /// Of a connection that has just been accepted.
    pub(super) fn new(clock: Arc<Clock>) -> Self {
        let waiting = AtomicU32::new(clock.now());
        Self { waiting, blocked: AtomicU32::new(0), over: AtomicBool::new(false), waker: Mutex::default(), clock }
    }

    pub(super) fn our_turn(&self) {
        self.waiting.store(0, Ordering::Relaxed);
    }

    /// Something that has begun is to be continued by the client, from now on.
    pub(super) fn clients_turn(&self) {
        self.waiting.store(self.clock.now(), Ordering::Relaxed);
    }

    /// The same, unless that has been expected for some time already.
    pub(super) fn clients_turn_if_ours(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.clients_turn();
        }
    }

    /// The connection is between requests, from now on.
    pub(super) fn idle(&self) {
        self.waiting.store(self.clock.now() | Self::IDLE, Ordering::Relaxed);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) & Self::IDLE != 0
    }

    /// Whether anything is expected of the client: a request, the rest of one, or that it takes its
    /// answer.
    pub(super) fn waits(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) != 0 || self.blocked.load(Ordering::Relaxed) != 0
    }

    /// The client has not taken all that there is for it, from now on.
    pub(super) fn blocked(&self) {
        self.blocked.store(self.clock.now(), Ordering::Relaxed);
    }

    /// The client has taken all that there was for it.
    pub(super) fn unblocked(&self) {
        self.blocked.store(0, Ordering::Relaxed);
    }

    /// Whether the client has kept us waiting for too long.
    pub(super) fn is_overdue(&self, now: u32, patience: Patience) -> bool {
        let overdue = |since: u32, patience| since != 0 && now.saturating_sub(since) > patience;
        let waiting = self.waiting.load(Ordering::Relaxed);
        let patience_now = if waiting & Self::IDLE == 0 { patience.stalled } else { patience.idle };
        overdue(waiting & !Self::IDLE, patience_now) || overdue(self.blocked.load(Ordering::Relaxed), patience.stalled)
    }

    /// Has the connection end itself; returns whether this is the first call.
    pub(super) fn end(&self) -> bool {
        let first = !self.over.swap(true, Ordering::Relaxed);
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
        first
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// A request came at the last moment, so the connection goes on.
    pub(super) fn go_on(&self) {
        self.over.store(false, Ordering::Relaxed);
    }

    pub(super) fn wake_with(&self, waker: &Waker) {
        *self.waker.lock() = Some(waker.clone());
    }
}
