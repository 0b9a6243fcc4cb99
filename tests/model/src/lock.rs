//! The state of a service behind a try-lock, in place of `parking_lot`'s, which loom does not know.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};

const WRITER: usize = usize::MAX;

/// Readers share, a writer is alone; nobody blocks.
pub(crate) struct TryLock {
    holders: AtomicUsize,
    /// loom reports two threads that access this at once, unless both read.
    state: UnsafeCell<()>,
}

impl TryLock {
    pub(crate) fn new() -> Self {
        Self { holders: AtomicUsize::new(0), state: UnsafeCell::new(()) }
    }

    pub(crate) fn try_write(&self) -> bool {
        self.holders.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn try_read(&self) -> bool {
        let join = |holders: usize| (holders != WRITER).then(|| holders + 1);
        self.holders.fetch_update(Ordering::Acquire, Ordering::Relaxed, join).is_ok()
    }

    pub(crate) fn write(&self) {
        self.state.with_mut(|_| ());
    }

    pub(crate) fn read(&self) {
        self.state.with(|_| ());
    }

    pub(crate) fn release_write(&self) {
        self.holders.store(0, Ordering::Release);
    }

    pub(crate) fn release_read(&self) {
        self.holders.fetch_sub(1, Ordering::Release);
    }
}
