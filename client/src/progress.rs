//! How far a call is: reports on their way to the caller.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use futures_util::task::AtomicWaker;
use serde::{Deserialize, Serialize};

/// One report of how far a call is. See [`Call::on_progress`](crate::Call::on_progress).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProgressReport {
    /// Number of steps that are done.
    pub done: u64,
    /// Number of all steps, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is being done, such as the name of a file. Empty if the method does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl ProgressReport {
    #[doc(hidden)]
    pub fn new(done: u64, total: Option<u64>, message: String) -> Self {
        Self { done, total, message }
    }
}

/// The newest report of a call, until it is taken. Public for the engine of callbox alone.
#[derive(Debug, Default)]
pub struct ProgressSlot {
    newest: Mutex<Option<ProgressReport>>,
    taker: AtomicWaker,
}

impl ProgressSlot {
    /// Replaces the newest report, and wakes who takes it.
    pub fn put(&self, report: ProgressReport) {
        let _replaced = self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(report);
        self.taker.wake();
    }

    /// Whether there is a report that was not taken.
    pub fn has_report(&self) -> bool {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Returns the newest report, if it was not taken before.
    pub fn take(&self) -> Option<ProgressReport> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Wakes this task with the next report. Call it before [`take`](Self::take).
    pub fn register(&self, cx: &Context<'_>) {
        self.taker.register(cx.waker());
    }
}

/// What a caller does with the reports of one call.
pub(crate) struct ProgressHandler {
    pub(crate) slot: Arc<ProgressSlot>,
    handle: Box<dyn Fn(&ProgressReport) + Send + Sync>,
}

impl ProgressHandler {
    pub(crate) fn new(handle: impl Fn(&ProgressReport) + Send + Sync + 'static) -> Self {
        Self { slot: Arc::default(), handle: Box::new(handle) }
    }

    /// Handles the newest report, if there is one. The task is woken with the next one.
    pub(crate) fn poll(&self, cx: &Context<'_>) {
        self.slot.register(cx);
        if let Some(report) = self.slot.take() {
            (self.handle)(&report);
        }
    }
}

impl fmt::Debug for ProgressHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressHandler").field("slot", &self.slot).finish_non_exhaustive()
    }
}
