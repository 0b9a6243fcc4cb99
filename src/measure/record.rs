//! The record of a call: that it ended, when, and how.

use std::ops::Deref;
use std::time::Duration;

use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::route::Rejection;
use crate::service::CallContext;
use crate::sync::{AtomicBool, Ordering};

use super::meter::{End, Meter};
use super::tally::Count;

/// The record of one call. It is written once: when the call ends, and at the latest when this is
/// dropped, as abandoned.
///
/// `E` is the method's entry: borrowed by a call that ends where it arrives, and shared by others.
pub(crate) struct Record<E: Deref<Target: AsRef<Meter>>> {
    entry: E,
    call: CallContext,
    way: Way,
    written: AtomicBool,
}

/// The way that a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is not let in, or not yet.
    Outside,
    /// It runs where it arrived, from this time on.
    Inline(Instant),
    /// Through its mailbox.
    Queued,
}

impl<E: Deref<Target: AsRef<Meter>>> Record<E> {
    /// Of a call that is not let in.
    pub(crate) fn outside(entry: E, call: CallContext) -> Self {
        Self { entry, call, way: Way::Outside, written: AtomicBool::new(false) }
    }

    /// Of a call that runs where it arrived, from `began` on.
    #[inline]
    pub(crate) fn inline(entry: E, call: CallContext, began: Instant) -> Self {
        entry.as_ref().tally.add(Count::Inline, 1);
        Self { entry, call, way: Way::Inline(began), written: AtomicBool::new(false) }
    }

    /// Of a call that waits in its mailbox from now on.
    pub(crate) fn queued(entry: E, call: CallContext) -> Self {
        entry.as_ref().tally.add(Count::Queued, 1);
        Self { entry, call, way: Way::Queued, written: AtomicBool::new(false) }
    }

    /// Of several calls that differ in their parameters only, and run where they arrived. What is
    /// written is only what [`end_runs`](Self::end_runs) is told.
    pub(crate) fn series(entry: E, call: CallContext) -> Self {
        Self { entry, call, way: Way::Outside, written: AtomicBool::new(true) }
    }

    pub(crate) fn entry(&self) -> &E {
        &self.entry
    }

    pub(crate) fn call(&self) -> &CallContext {
        &self.call
    }

    /// The call was turned away.
    pub(crate) fn reject(&self, rejection: &Rejection) {
        self.end(End::Rejected(rejection.why), Some(&rejection.error), None, Instant::now());
    }

    /// The call ended at `now`. It ran from `began` on, or not at all.
    ///
    /// Who of several threads may say so is settled before.
    #[inline]
    pub(crate) fn end(&self, end: End, error: Option<&RpcError>, began: Option<Instant>, now: Instant) {
        self.written.store(true, Ordering::Relaxed);
        let meter = self.entry.as_ref();
        let queued = began.unwrap_or(now).duration_since(self.call.arrived);
        if self.way == Way::Queued {
            meter.tally.waited(queued);
        }
        meter.ended(&self.call, end, error, queued, began.map(|began| now.duration_since(began)));
    }

    /// Calls of a series have run one after another, each for `each`, the first of them from `began` on.
    pub(crate) fn end_runs<'a>(
        &self,
        ends: impl ExactSizeIterator<Item = (End, Option<&'a RpcError>)>,
        began: Instant,
        each: Duration,
    ) {
        let meter = self.entry.as_ref();
        meter.tally.add(Count::Inline, ends.len() as u64);
        meter.ended_together(&self.call, ends, began.duration_since(self.call.arrived), each);
    }
}

impl<E: Deref<Target: AsRef<Meter>>> Drop for Record<E> {
    #[inline]
    fn drop(&mut self) {
        if !self.written.load(Ordering::Relaxed) {
            let began = if let Way::Inline(began) = self.way { Some(began) } else { None };
            self.end(End::Abandoned, None, began, Instant::now());
        }
    }
}
