//! Time on a thread that the scheduler has not measured itself.

use crate::sync::{AtomicU64, Ordering};

/// Time that async calls of one mailbox have held a thread in their polls since the scheduler last
/// looked, on the host or inline. The fair queue charges it to the mailbox.
///
/// Sync calls are not included: the scheduler measures its own, and inline ones run only while
/// nobody waits.
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
