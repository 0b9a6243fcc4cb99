//! Time on the thread that the scheduler has not seen itself.

use crate::sync::{AtomicU64, Ordering};

/// Time that calls of one mailbox have run beside the scheduler since it last looked: inline, and in polls.
#[derive(Debug, Default)]
pub(crate) struct Charge(AtomicU64);

impl Charge {
    pub(crate) fn add(&self, nanos: u64) {
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn take(&self) -> u64 {
        if self.0.load(Ordering::Relaxed) == 0 { 0 } else { self.0.swap(0, Ordering::Relaxed) }
    }
}
