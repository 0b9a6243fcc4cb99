//! What has become of a method's calls, for whoever wants to see it.

use std::time::Duration;

use crate::mailbox::Entry;

/// A method's mailbox, and what has become of its calls since the start. A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodStats {
    /// The method, as callers write it.
    pub method: String,
    /// Calls in its mailbox now, and how many fit. Methods of a group share one mailbox.
    pub depth: usize,
    /// See [`depth`](Self::depth).
    pub capacity: usize,
    /// Calls that ran where they arrived.
    pub inline: u64,
    /// Calls that went through the mailbox.
    pub queued: u64,
    /// Calls that ended with a result.
    pub answered: u64,
    /// Calls that ended with an error of the method's own.
    pub failed: u64,
    /// Calls during which the method panicked, or its thread was lost.
    pub panicked: u64,
    /// Calls that were turned away: never started.
    pub refused: u64,
    /// Calls whose deadline passed, in the mailbox or while they ran.
    pub expired: u64,
    /// Calls whose caller left before they ended.
    pub abandoned: u64,
    /// The time that a call usually holds a thread.
    pub usual: Duration,
}

impl MethodStats {
    pub(crate) fn new(entry: &Entry, depth: usize, capacity: usize) -> Self {
        let counters = &entry.meter.counters;
        Self {
            method: entry.name.to_string(),
            depth,
            capacity,
            inline: counters.inline.get(),
            queued: counters.queued.get(),
            answered: counters.answered.get(),
            failed: counters.failed.get(),
            panicked: counters.panicked.get(),
            refused: counters.refused.get(),
            expired: counters.expired.get(),
            abandoned: counters.abandoned.get(),
            usual: entry.meter.cost.usual(),
        }
    }
}
