//! What is measured of one method: its cost, and what has become of its calls.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::log::Seldom;
use crate::route::Why;
use crate::service::CallContext;

use super::cost::Cost;
use super::tally::{Count, Tally};

/// Methods that hold their thread for so long are warned of.
const TOO_LONG: Duration = Duration::from_millis(10);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The method ran and answered, with a result or an error of its own.
    Answered,
    /// The method panicked, or its thread was lost while it ran.
    Panicked,
    /// It was turned away, and never ran.
    Rejected(Why),
    /// Its deadline passed.
    Expired,
    /// Its caller left.
    Abandoned,
}

/// What is measured of one method.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) cost: Cost,
    /// Waiting is from arrival until a call left its mailbox, of those that were in one; running is on the thread and at awaits.
    pub(crate) tally: Tally,
    overload: Seldom,
    lost_notification: Seldom,
    held: Seldom,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            cost: Cost::new(),
            tally: Tally::default(),
            held: Seldom::new(Duration::from_secs(60)),
            overload: Seldom::new(Duration::from_secs(1)),
            lost_notification: Seldom::new(Duration::from_secs(1)),
        }
    }

    /// Counts the end of a call and logs its one line. `ran` is `None` if it never started.
    pub(super) fn ended(
        &self,
        call: &CallContext,
        end: End,
        error: Option<&RpcError>,
        queued: Duration,
        ran: Option<Duration>,
    ) {
        self.tally.add(kind_of_end(end, error), 1);
        if let Some(ran) = ran {
            self.tally.ran(ran, 1);
        }
        self.tell(call, end, error, queued, ran);
    }

    /// Counts the ends of calls that ran one after another, each for `ran`, and logs a line for each.
    pub(super) fn ended_together<'a>(
        &self,
        call: &CallContext,
        ends: impl ExactSizeIterator<Item = (End, Option<&'a RpcError>)>,
        queued: Duration,
        ran: Duration,
    ) {
        let mut answered = 0;
        self.tally.ran(ran, ends.len() as u64);
        for (end, error) in ends {
            match kind_of_end(end, error) {
                Count::Answered => answered += 1,
                other => self.tally.add(other, 1),
            }
            self.tell(call, end, error, queued, Some(ran));
        }
        self.tally.add(Count::Answered, answered);
    }

    #[inline]
    fn tell(&self, call: &CallContext, end: End, error: Option<&RpcError>, queued: Duration, ran: Option<Duration>) {
        if let Some(error) = error {
            self.warn(call, end, error);
        }
        log_debug!(
            method = call.method,
            caller = call.caller.name(),
            notification = call.notification,
            ?end,
            code = error.map(RpcError::code),
            queued_us = micros(queued),
            ran_us = ran.map(micros),
            "call"
        );
    }

    /// A run, or one poll, of the method `name` held the service's thread, or a transport's, for `time` until `now`.
    pub(crate) fn held(&self, name: &str, time: Duration, now: Instant) {
        self.cost.held(time, now, || self.tally.get(Count::Inline) + self.tally.get(Count::Queued));
        if time >= TOO_LONG
            && let Some(times) = self.held.is_due(now)
        {
            let held_ms = time.as_millis() as u64;
            log_warn!(
                method = name,
                held_ms,
                times,
                "the method held its thread, and all other calls of the service waited: await what takes long, or make it a \
                 free function marked `compute`"
            );
        }
    }

    /// A run of the method `name` has held its thread for `time` by now, and goes on.
    pub(crate) fn holds(&self, name: &str, time: Duration, now: Instant, warns: bool) {
        self.cost.holds(now);
        if warns {
            let held_ms = time.as_millis() as u64;
            log_warn!(
                method = name,
                held_ms,
                "the method holds its thread and does not end: further calls of it run on the service's own thread"
            );
        }
    }

    /// Once a second at most: overload, and notifications that fail, come by the thousand.
    fn warn(&self, call: &CallContext, end: End, error: &RpcError) {
        let method = call.method;
        if matches!(kind_of_end(end, Some(error)), Count::RefusedFull | Count::RefusedHopeless | Count::RefusedOverdue)
        {
            if let Some(calls) = self.overload.is_due(Instant::now()) {
                let why = error.data().map(RawValue::get);
                log_warn!(method, calls, why, "overload: calls were turned away");
            }
        } else if call.notification {
            // Nobody will be told of it, so the log has to.
            if let Some(calls) = self.lost_notification.is_due(Instant::now()) {
                log_warn!(method, calls, code = error.code(), %error, "notifications failed");
            }
        }
    }
}

fn kind_of_end(end: End, error: Option<&RpcError>) -> Count {
    match end {
        End::Answered if error.is_some() => Count::Failed,
        End::Answered => Count::Answered,
        End::Panicked => Count::Panicked,
        End::Rejected(Why::Full | Why::ServiceFull | Why::BytesFull) => Count::RefusedFull,
        End::Rejected(Why::Hopeless) => Count::RefusedHopeless,
        End::Rejected(Why::Overdue) => Count::RefusedOverdue,
        End::Rejected(Why::Unavailable) => Count::RefusedUnavailable,
        End::Rejected(Why::Params) => Count::RefusedParams,
        End::Rejected(Why::Expired) | End::Expired => Count::Expired,
        End::Abandoned => Count::Abandoned,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
