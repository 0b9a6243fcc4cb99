//! Statistics of a service and its methods.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::core::AnyCore;
use super::lifecycle::Status;
use crate::service::StreamUse;

use crate::mailbox::MethodEntry;
use crate::measure::{Counter, Histogram};

/// Statistics of one service and its methods. A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceStats {
    /// Name of the service.
    pub service: String,
    /// Whether it admits calls.
    pub is_up: bool,
    /// Number of times that its state was replaced after a crash, or its thread was lost.
    pub restarts: u64,
    /// Number of its background tasks that run now.
    pub tasks: usize,
    /// Number of its background tasks that panicked.
    pub task_panics: u64,
    /// Statistics of its methods, in the order of its table.
    pub methods: Vec<MethodStats>,
}

/// Statistics of one method since the start of the server. A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MethodStats {
    /// Name of the method as callers write it, with the namespace.
    pub method: String,
    /// Group whose methods share its mailbox, if any.
    pub group: Option<&'static str>,
    /// Number of calls in its mailbox now, including those that are just being put there.
    pub depth: usize,
    /// Maximum number of calls in its mailbox.
    pub capacity: usize,
    /// Number of calls that run now.
    pub running: u64,
    /// Number of calls that ran inline, on the thread where they arrived.
    pub inline: u64,
    /// Number of admitted calls that went through the mailbox.
    pub queued: u64,
    /// Number of calls that ended with a result.
    pub answered: u64,
    /// Number of calls that ended with an error of the method itself.
    pub failed: u64,
    /// Number of calls during which the method panicked or its thread was lost.
    pub panicked: u64,
    /// Number of calls that were rejected before they started.
    pub refused: u64,
    /// Numbers of rejected calls by reason.
    pub refused_for: Refusals,
    /// Number of calls whose deadline passed, in the mailbox or while they ran.
    pub expired: u64,
    /// Number of calls whose caller left before they ended.
    pub abandoned: u64,
    /// Number of calls that their caller cancelled before they ended.
    pub cancelled: u64,
    /// Whether its result is a subscription.
    pub is_subscription: bool,
    /// Number of subscriptions that are open now.
    pub subscriptions: u64,
    /// Number of items that were sent to subscribers in other processes.
    pub items: u64,
    /// Number of items that such subscribers have missed, because they fell behind.
    pub missed_items: u64,
    /// Usual time for which a call holds a thread.
    #[serde(serialize_with = "micros", rename = "usual_us")]
    pub usual: Duration,
    /// Time that calls spent in the mailbox.
    pub wait: Histogram,
    /// Duration of the calls, awaits included.
    pub run: Histogram,
}

/// Numbers of rejected calls by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refusals {
    /// The mailbox or the service was at its limit of calls or bytes.
    pub full: u64,
    /// The caller had as many calls in the method as it may, which is its `per_caller`.
    pub caller: u64,
    /// The calls that waited before, and the call itself, would usually have taken longer than the
    /// deadline allowed.
    pub hopeless: u64,
    /// The mailbox was overloaded, and the call had waited longer than the method's `max_wait`, or
    /// would have.
    pub overdue: u64,
    /// The service was down or stopping.
    pub unavailable: u64,
    /// The parameters did not fit the method; or a subscription was sent as a notification.
    pub params: u64,
}

impl Refusals {
    /// Returns the number of calls that were rejected though their parameters fit.
    pub(crate) fn with_fitting_params(&self) -> u64 {
        self.full + self.caller + self.hopeless + self.overdue + self.unavailable
    }

    /// Returns the numbers since an earlier snapshot.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            full: self.full.saturating_sub(earlier.full),
            caller: self.caller.saturating_sub(earlier.caller),
            hopeless: self.hopeless.saturating_sub(earlier.hopeless),
            overdue: self.overdue.saturating_sub(earlier.overdue),
            unavailable: self.unavailable.saturating_sub(earlier.unavailable),
            params: self.params.saturating_sub(earlier.params),
        }
    }
}

impl ServiceStats {
    /// Takes a snapshot of a service.
    pub(crate) fn of(core: &AnyCore) -> Self {
        Self {
            service: core.name.to_owned(),
            is_up: core.lifecycle.status() == Status::Up,
            restarts: core.lifecycle.restarts(),
            tasks: core.task_counters.running(),
            task_panics: core.task_counters.panics(),
            methods: core.table.entries().iter().map(|entry| MethodStats::new(entry)).collect(),
        }
    }
}

impl MethodStats {
    fn new(entry: &MethodEntry) -> Self {
        let tally = &entry.meter.counters;
        let refused_for = Refusals {
            full: tally.get(Counter::RefusedFull),
            caller: tally.get(Counter::RefusedCaller),
            hopeless: tally.get(Counter::RefusedHopeless),
            overdue: tally.get(Counter::RefusedOverdue),
            unavailable: tally.get(Counter::RefusedUnavailable),
            params: tally.get(Counter::RefusedParams),
        };
        let Refusals { full, caller, hopeless, overdue, unavailable, params } = refused_for;
        Self {
            method: entry.name.to_string(),
            group: entry.options.group,
            depth: entry.slots.used(),
            capacity: entry.slots.capacity(),
            running: tally.get(Counter::Running),
            inline: tally.get(Counter::Inline),
            queued: tally.get(Counter::Queued),
            answered: tally.get(Counter::Answered),
            failed: tally.get(Counter::Failed),
            panicked: tally.get(Counter::Panicked),
            refused: full + caller + hopeless + overdue + unavailable + params,
            refused_for,
            expired: tally.get(Counter::Expired),
            abandoned: tally.get(Counter::Abandoned),
            cancelled: tally.get(Counter::Cancelled),
            is_subscription: matches!(entry.options.streams, StreamUse::Subscribes(_)),
            subscriptions: entry.meter.items.open(),
            items: entry.meter.items.sent(),
            missed_items: entry.meter.items.total_missed(),
            usual: entry.meter.cost.usual(),
            wait: tally.wait(),
            run: tally.run(),
        }
    }
}

fn micros<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e6)
}
