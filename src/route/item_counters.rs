//! Counters of the subscriptions of one method.

use crate::sync::{AtomicU64, Ordering};

/// How many subscriptions of one method are open, and what was sent on them.
#[derive(Debug, Default)]
pub(crate) struct ItemCounters {
    open: AtomicU64,
    sent: AtomicU64,
    missed: AtomicU64,
}

impl ItemCounters {
    /// Counts a subscription that has started.
    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a subscription.
    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts an item that was sent.
    pub(crate) fn sent_one(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts items that a subscription has missed.
    pub(crate) fn missed(&self, items: u64) {
        self.missed.fetch_add(items, Ordering::Relaxed);
    }

    /// Returns the number of open subscriptions.
    pub(crate) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns the number of items that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns the number of items that subscriptions have missed.
    pub(crate) fn total_missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}
