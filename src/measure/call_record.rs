//! The record of a call: that it ended, when, and how.

use std::ops::Deref;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::{RpcError, code};
use crate::route::{RejectReason, Rejection};
use crate::service::CallContext;
use crate::sync::{AtomicBool, Ordering};
use crate::trace::{self, End, Failure};

use super::counters::Counter;
use super::meter::Meter;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// The method ran and answered, with a result or an error of its own.
    Answered,
    /// The method panicked, or its thread was lost while it ran.
    Panicked,
    /// It was rejected and never ran.
    Rejected(RejectReason),
    /// Its deadline passed.
    Expired,
    /// Its caller left.
    Abandoned,
    /// Its caller cancelled it.
    Cancelled,
}

/// The record of one call. It is written once: when the call ends, or when this is dropped, as
/// abandoned or cancelled.
///
/// `E` is the entry of the method: borrowed by a call that ends where it arrives, shared by others.
pub(crate) struct CallRecord<E: Deref<Target: AsRef<Meter>>> {
    entry: E,
    call: CallContext,
    path: CallPath,
    written: AtomicBool,
}

/// The way that a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallPath {
    /// It has not been admitted.
    Outside,
    /// It runs where it arrived, since this time.
    Inline(Instant),
    /// It goes through its mailbox.
    Queued,
}

impl<E: Deref<Target: AsRef<Meter>>> CallRecord<E> {
    /// Creates the record of a call that is not admitted.
    pub(crate) fn outside(entry: E, call: CallContext) -> Self {
        Self { entry, call, path: CallPath::Outside, written: AtomicBool::new(false) }
    }

    /// Creates the record of a call that runs where it arrived, from `began` on.
    #[inline]
    pub(crate) fn inline(entry: E, call: CallContext, began: Instant) -> Self {
        entry.as_ref().counters.add(Counter::Inline, 1);
        trace::started(&call.trace.0);
        Self { entry, call, path: CallPath::Inline(began), written: AtomicBool::new(false) }
    }

    /// Creates the record of a call that waits in its mailbox from now on.
    pub(crate) fn queued(entry: E, call: CallContext) -> Self {
        entry.as_ref().counters.add(Counter::Queued, 1);
        trace::queued(&call.trace.0);
        Self { entry, call, path: CallPath::Queued, written: AtomicBool::new(false) }
    }

    /// Creates the record of several calls that differ in their parameters only and run where they
    /// arrived. Only [`end_runs`](Self::end_runs) writes it: dropping it records nothing.
    pub(crate) fn series(entry: E, call: CallContext) -> Self {
        Self { entry, call, path: CallPath::Outside, written: AtomicBool::new(true) }
    }

    pub(crate) fn entry(&self) -> &E {
        &self.entry
    }

    pub(crate) fn call(&self) -> &CallContext {
        &self.call
    }

    /// Records that the call was rejected.
    pub(crate) fn reject(&self, rejection: &Rejection) {
        self.end(CallEnd::Rejected(rejection.reason), Some(&rejection.error), None, Instant::now());
    }

    /// Records that the call ended at `now`. `ran` is when it started and how long it ran, or
    /// `None` if it never started.
    ///
    /// The caller of this function must already have settled which of several threads ends the
    /// call.
    #[inline]
    pub(crate) fn end(&self, end: CallEnd, error: Option<&RpcError>, ran: Option<(Instant, Duration)>, now: Instant) {
        self.written.store(true, Ordering::Relaxed);
        let ran_for = ran.map(|(_, took)| took);
        trace::ended(&self.call.trace.0, &End { error: failure(end, error), ran: ran_for });
        let meter = self.entry.as_ref();
        let queued = ran.map_or(now, |(began, _)| began).duration_since(self.call.arrived);
        if self.path == CallPath::Queued {
            meter.counters.record_wait(queued);
        }
        meter.ended(&self.call, end, error, queued, ran_for);
        // A method may run on after its caller has left, and then keeps the place.
        if ran.is_none() {
            self.call.place.release();
        }
    }

    /// Records calls of a series that ran one after another, each for `each`, the first of them
    /// from `began` on.
    pub(crate) fn end_runs<'a>(
        &self,
        ends: impl ExactSizeIterator<Item = (CallEnd, Option<&'a RpcError>)>,
        began: Instant,
        each: Duration,
    ) {
        let meter = self.entry.as_ref();
        meter.counters.add(Counter::Inline, ends.len() as u64);
        meter.ended_together(&self.call, ends, began.duration_since(self.call.arrived), each);
    }
}

impl<E: Deref<Target: AsRef<Meter>>> Drop for CallRecord<E> {
    #[inline]
    fn drop(&mut self) {
        if !self.written.load(Ordering::Relaxed) {
            let now = Instant::now();
            let ran =
                if let CallPath::Inline(began) = self.path { Some((began, now.duration_since(began))) } else { None };
            let end = if self.call.cancelled.is_set() { CallEnd::Cancelled } else { CallEnd::Abandoned };
            self.end(end, None, ran, now);
        }
    }
}

impl Meter {
    /// Counts the end of a call and writes its line to the log. `ran` is `None` if it never
    /// started.
    fn ended(
        &self,
        call: &CallContext,
        end: CallEnd,
        error: Option<&RpcError>,
        queued: Duration,
        ran: Option<Duration>,
    ) {
        self.counters.add(counter_of(end, error), 1);
        if let Some(ran) = ran {
            self.counters.record_run(ran, 1);
        }
        call.note_times(queued, ran);
        self.log_end(call, end, error, queued, ran);
    }

    /// Counts the ends of calls that ran one after another, each for `ran`, and logs a line for
    /// each.
    ///
    /// The answered calls are added up first: they are nearly all, and one addition is cheaper than
    /// many.
    fn ended_together<'a>(
        &self,
        call: &CallContext,
        ends: impl ExactSizeIterator<Item = (CallEnd, Option<&'a RpcError>)>,
        queued: Duration,
        ran: Duration,
    ) {
        let mut answered = 0;
        self.counters.record_run(ran, ends.len() as u64);
        call.note_times(queued, Some(ran));
        for (end, error) in ends {
            match counter_of(end, error) {
                Counter::Answered => answered += 1,
                other => self.counters.add(other, 1),
            }
            self.log_end(call, end, error, queued, Some(ran));
        }
        self.counters.add(Counter::Answered, answered);
    }

    #[inline]
    fn log_end(
        &self,
        call: &CallContext,
        end: CallEnd,
        error: Option<&RpcError>,
        queued: Duration,
        ran: Option<Duration>,
    ) {
        if let Some(error) = error {
            self.warn(call, end, error);
        }
        log_debug!(
            method = call.method,
            caller = call.caller.name(),
            request_id = call.log_id().as_deref(),
            notification = call.notification,
            ?end,
            code = error.map(RpcError::code),
            queued_us = micros(queued),
            ran_us = ran.map(micros),
            "call"
        );
    }

    /// Logs at most one warning a second for each kind of problem: rejections under overload and
    /// failing notifications come by the thousand.
    fn warn(&self, call: &CallContext, end: CallEnd, error: &RpcError) {
        let method = call.method;
        if matches!(
            counter_of(end, Some(error)),
            Counter::RefusedFull | Counter::RefusedCaller | Counter::RefusedHopeless | Counter::RefusedOverdue
        ) {
            if let Some(calls) = self.overload.record(Instant::now()) {
                let why = error.data().map(RawValue::get);
                log_warn!(method, calls, why, request_id = call.log_id().as_deref(), "overload: calls were rejected");
            }
        } else if call.notification {
            // A notification has no reply, so its error is only in the log.
            if let Some(calls) = self.lost_notification.record(Instant::now()) {
                log_warn!(method, calls, code = error.code(), %error, request_id = call.log_id().as_deref(), "notifications failed");
            }
        }
    }
}

/// Returns why a call has no result, if it has none.
#[inline]
fn failure(end: CallEnd, error: Option<&RpcError>) -> Option<Failure> {
    match error {
        Some(error) => Some(Failure::Code(error.code())),
        None if end == CallEnd::Abandoned => Some(Failure::Abandoned),
        // Its caller is answered elsewhere, with this error.
        None if end == CallEnd::Cancelled => Some(Failure::Code(code::CANCELLED)),
        None => None,
    }
}

fn counter_of(end: CallEnd, error: Option<&RpcError>) -> Counter {
    match end {
        CallEnd::Answered if error.is_some() => Counter::Failed,
        CallEnd::Answered => Counter::Answered,
        CallEnd::Panicked => Counter::Panicked,
        CallEnd::Rejected(RejectReason::Full | RejectReason::ServiceFull | RejectReason::BytesFull) => {
            Counter::RefusedFull
        }
        CallEnd::Rejected(RejectReason::Caller) => Counter::RefusedCaller,
        CallEnd::Rejected(RejectReason::Hopeless | RejectReason::NeverFits) => Counter::RefusedHopeless,
        CallEnd::Rejected(RejectReason::Overdue) => Counter::RefusedOverdue,
        CallEnd::Rejected(RejectReason::Unavailable) => Counter::RefusedUnavailable,
        CallEnd::Rejected(RejectReason::Params) => Counter::RefusedParams,
        CallEnd::Rejected(RejectReason::Expired) | CallEnd::Expired => Counter::Expired,
        CallEnd::Abandoned => Counter::Abandoned,
        CallEnd::Rejected(RejectReason::Cancelled) | CallEnd::Cancelled => Counter::Cancelled,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_of_a_call_that_was_given_up_says_why() {
        let code_of = |end, error: Option<&RpcError>| match failure(end, error) {
            Some(Failure::Code(code)) => Some(code),
            Some(Failure::Abandoned) => Some(0),
            None => None,
        };
        assert_eq!(code_of(CallEnd::Answered, None), None);
        assert_eq!(code_of(CallEnd::Answered, Some(&RpcError::new(7, "no"))), Some(7));
        assert_eq!(code_of(CallEnd::Abandoned, None), Some(0));
        assert_eq!(code_of(CallEnd::Cancelled, None), Some(-32800));
    }
}
