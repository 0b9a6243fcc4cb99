//! What is measured of one method: its cost, and what has become of its calls.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::{RpcError, code};
use crate::service::CallContext;

use super::cost::Cost;
use super::seldom::Seldom;
use super::stats::{Count, Counters};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The method ran and answered, with a result or an error of its own.
    Answered,
    /// The method panicked, or its thread was lost while it ran.
    Panicked,
    /// It was turned away, and never ran.
    Refused,
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
    overload: Seldom,
    lost_notification: Seldom,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            cost: Cost::new(),
            counters: Counters::default(),
            overload: Seldom::new(),
            lost_notification: Seldom::new(),
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

    /// Once a second at most: overload, and notifications that fail, come by the thousand.
    fn warn(&self, call: &CallContext, end: End, error: &RpcError) {
        let method = &*call.method;
        if end == End::Refused && error.code() == code::BUSY {
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
            End::Refused => &self.counters.refused,
            End::Expired => &self.counters.expired,
            End::Abandoned => &self.counters.abandoned,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
