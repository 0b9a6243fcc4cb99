//! What is measured of one method: its cost, and what has become of its calls.

use std::time::Duration;

use crate::jsonrpc::RpcError;
use crate::service::CallContext;

use super::cost::Cost;
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
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self { cost: Cost::new(), counters: Counters::default() }
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
        // Nobody will be told of it, so the log has to.
        if let (true, Some(error)) = (call.notification, error) {
            tracing::warn!(method = &*call.method, code = error.code(), %error, "a notification failed");
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
