//! What has become of a service's calls, for whoever wants to see it.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::core::Core;
use super::lifecycle::Status;
use crate::service::Service;

use crate::mailbox::Entry;
use crate::measure::{Count, Histogram};

/// A service, and the mailbox of each of its methods. A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceStats {
    /// The service's name.
    pub service: String,
    /// Whether it lets calls in.
    pub is_up: bool,
    /// How often its state had to be made anew, or its thread was lost.
    pub restarts: u64,
    /// Its methods, in the order of its table.
    pub methods: Vec<MethodStats>,
}

/// A method's mailbox, and what has become of its calls since the start. A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MethodStats {
    /// The method, as callers write it.
    pub method: String,
    /// The group whose methods share its mailbox, if it is in one.
    pub group: Option<&'static str>,
    /// Calls that wait in its mailbox now, those about to be put there among them.
    pub depth: usize,
    /// How many calls fit into its mailbox.
    pub capacity: usize,
    /// Calls that run now.
    pub running: u64,
    /// Calls that were let in and ran where they arrived.
    pub inline: u64,
    /// Calls that were let in and went through the mailbox.
    pub queued: u64,
    /// Calls that ended with a result.
    pub answered: u64,
    /// Calls that ended with an error of the method's own.
    pub failed: u64,
    /// Calls during which the method panicked, or its thread was lost.
    pub panicked: u64,
    /// Calls that were turned away and never started, for whatever reason.
    pub refused: u64,
    /// Calls that were turned away, by reason.
    pub refused_for: Refusals,
    /// Calls whose deadline passed, in the mailbox or while they ran.
    pub expired: u64,
    /// Calls whose caller left before they ended.
    pub abandoned: u64,
    /// The time that a call usually holds a thread.
    #[serde(serialize_with = "micros", rename = "usual_us")]
    pub usual: Duration,
    /// How long calls were in the mailbox.
    pub wait: Histogram,
    /// How long calls ran, the time at their awaits included.
    pub run: Histogram,
}

/// Calls that were turned away, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refusals {
    /// The mailbox, or the service, held as many calls or bytes as it may.
    pub full: u64,
    /// What waited before would have taken longer than the call had.
    pub hopeless: u64,
    /// The mailbox was overloaded, and the call had waited longer than its method's `max_wait`, or would have.
    pub overdue: u64,
    /// The service was down or stopping.
    pub unavailable: u64,
    /// The parameters did not fit the method.
    pub params: u64,
}

impl Refusals {
    /// Those since an earlier snapshot.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            full: self.full.saturating_sub(earlier.full),
            hopeless: self.hopeless.saturating_sub(earlier.hopeless),
            overdue: self.overdue.saturating_sub(earlier.overdue),
            unavailable: self.unavailable.saturating_sub(earlier.unavailable),
            params: self.params.saturating_sub(earlier.params),
        }
    }
}

impl ServiceStats {
    /// Of a service as it is now.
    pub(crate) fn of<S: Service>(core: &Core<S>) -> Self {
        Self {
            service: S::NAME.to_owned(),
            is_up: core.lifecycle.status() == Status::Up,
            restarts: core.lifecycle.restarts(),
            methods: core.table.entries().iter().map(|entry| MethodStats::new(entry)).collect(),
        }
    }
}

impl MethodStats {
    fn new(entry: &Entry) -> Self {
        let tally = &entry.meter.tally;
        let refused_for = Refusals {
            full: tally.get(Count::RefusedFull),
            hopeless: tally.get(Count::RefusedHopeless),
            overdue: tally.get(Count::RefusedOverdue),
            unavailable: tally.get(Count::RefusedUnavailable),
            params: tally.get(Count::RefusedParams),
        };
        let Refusals { full, hopeless, overdue, unavailable, params } = refused_for;
        Self {
            method: entry.name.to_string(),
            group: entry.options.group,
            depth: entry.places.used(),
            capacity: entry.places.most(),
            running: tally.get(Count::Running),
            inline: tally.get(Count::Inline),
            queued: tally.get(Count::Queued),
            answered: tally.get(Count::Answered),
            failed: tally.get(Count::Failed),
            panicked: tally.get(Count::Panicked),
            refused: full + hopeless + overdue + unavailable + params,
            refused_for,
            expired: tally.get(Count::Expired),
            abandoned: tally.get(Count::Abandoned),
            usual: entry.meter.cost.usual(),
            wait: tally.wait(),
            run: tally.run(),
        }
    }
}

fn micros<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e6)
}
