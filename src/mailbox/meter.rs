//! What is measured of one method: its cost, and what has become of its calls.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::service::{CallContext, Why};

use super::cost::Cost;
use super::histogram::Histogram;
use super::seldom::Seldom;
use super::stats::{Count, Counters};

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
    Refused(Why),
    /// Its deadline passed.
    Expired,
    /// Its caller left.
    Abandoned,
}

/// What is measured of one method.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) cost: Cost,
    pub(crate) counters: Counters,
    /// From arrival until it left the mailbox, of calls that were in one.
    pub(crate) wait: Histogram,
    /// On the thread, and at its awaits.
    pub(crate) run: Histogram,
    overload: Seldom,
    lost_notification: Seldom,
    held: Seldom,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            cost: Cost::new(),
            counters: Counters::default(),
            wait: Histogram::new(),
            run: Histogram::new(),
            held: Seldom::new(Duration::from_secs(60)),
            overload: Seldom::new(Duration::from_secs(1)),
            lost_notification: Seldom::new(Duration::from_secs(1)),
        }
    }

    /// Counts the end of a call and logs its one line. `ran` is `None` if it never started.
    pub(crate) fn ended(
        &self,
        call: &CallContext,
        end: End,
        error: Option<&RpcError>,
        queued: Duration,
        ran: Option<Duration>,
    ) {
        self.count(end, error).add();
        if let Some(ran) = ran {
            self.run.record(ran);
        }
        if let Some(error) = error {
            self.warn(call, end, error);
        }
        tracing::debug!(
            method = &*call.method,
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
        self.cost.held(time, now);
        if time >= TOO_LONG
            && let Some(times) = self.held.is_due(now)
        {
            let held_ms = time.as_millis() as u64;
            tracing::warn!(
                method = name,
                held_ms,
                times,
                "the method held its thread, and all other calls of the service waited: await what takes long, or make it a \
                 free function marked `compute`"
            );
        }
    }

    /// Once a second at most: overload, and notifications that fail, come by the thousand.
    fn warn(&self, call: &CallContext, end: End, error: &RpcError) {
        let method = &*call.method;
        if matches!(end, End::Refused(Why::Full | Why::Hopeless)) {
            if let Some(calls) = self.overload.is_due(Instant::now()) {
                let why = error.data().map(RawValue::get);
                tracing::warn!(method, calls, why, "overload: calls were turned away");
            }
        } else if call.notification {
            // Nobody will be told of it, so the log has to.
            if let Some(calls) = self.lost_notification.is_due(Instant::now()) {
                tracing::warn!(method, calls, code = error.code(), %error, "notifications failed");
            }
        }
    }

    fn count(&self, end: End, error: Option<&RpcError>) -> &Count {
        match end {
            End::Answered if error.is_some() => &self.counters.failed,
            End::Answered => &self.counters.answered,
            End::Panicked => &self.counters.panicked,
            End::Refused(Why::Full) => &self.counters.refused_full,
            End::Refused(Why::Hopeless) => &self.counters.refused_hopeless,
            End::Refused(Why::Unavailable) => &self.counters.refused_unavailable,
            End::Refused(Why::Params) => &self.counters.refused_params,
            End::Expired => &self.counters.expired,
            End::Abandoned => &self.counters.abandoned,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
