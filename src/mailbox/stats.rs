//! What has become of a method's calls, counted.

use crate::sync::{AtomicU64, Ordering};

/// Counts since the start of the server. Each call that reached the method ends in exactly one of those from `answered` on.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Calls that run now.
    pub(crate) running: Count,
    pub(crate) inline: Count,
    pub(crate) queued: Count,
    pub(crate) answered: Count,
    pub(crate) failed: Count,
    pub(crate) panicked: Count,
    pub(crate) refused_full: Count,
    pub(crate) refused_hopeless: Count,
    pub(crate) refused_unavailable: Count,
    pub(crate) refused_params: Count,
    pub(crate) expired: Count,
    pub(crate) abandoned: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn take_back(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
