//! The measurements of one method: its cost, and how its calls ended.

use std::time::Duration;

use tokio::time::Instant;

use crate::log::LogThrottle;
use crate::route::ItemCounters;
use crate::sync::Arc;

use super::cost::Cost;
use super::counters::{CallCounters, Counter};
#[cfg(feature = "nats")]
use super::run_time::RunTime;

/// Time above which a method that holds its thread is reported in the log.
pub(crate) const LONG_HOLD: Duration = Duration::from_millis(10);

/// The measurements of one method.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) cost: Cost,
    /// Usual time of a run, if the method is async.
    #[cfg(feature = "nats")]
    pub(crate) run_time: RunTime,
    /// How its calls ended, and two histograms: the wait, from arrival until a call left its
    /// mailbox, and the run, which includes the time at awaits.
    pub(crate) counters: CallCounters,
    /// Its subscriptions, if its calls start any.
    pub(crate) items: Arc<ItemCounters>,
    pub(super) overload: LogThrottle,
    pub(super) lost_notification: LogThrottle,
    held: LogThrottle,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            cost: Cost::new(),
            #[cfg(feature = "nats")]
            run_time: RunTime::default(),
            counters: CallCounters::default(),
            items: Arc::default(),
            held: LogThrottle::new(Duration::from_secs(60)),
            overload: LogThrottle::new(Duration::from_secs(1)),
            lost_notification: LogThrottle::new(Duration::from_secs(1)),
        }
    }

    /// Records a run, or one poll, of the method `name` that held its thread for `time` until
    /// `now`: the service's thread or a transport's.
    pub(crate) fn record_hold(&self, name: &str, time: Duration, now: Instant) {
        self.cost.record_hold(time, now, || self.counters.get(Counter::Inline) + self.counters.get(Counter::Queued));
        if time >= LONG_HOLD
            && let Some(times) = self.held.record(now)
        {
            let held_ms = time.as_millis() as u64;
            log_warn!(
                method = name,
                held_ms,
                times,
                "the method held its thread for long, and other calls of the service may have waited: await what takes \
                 long, or make it a free function marked `compute`"
            );
        }
    }

    /// Records that a run of the method `name` has held its thread for `time` and has not ended.
    pub(crate) fn record_overlong_hold(&self, name: &str, time: Duration, now: Instant, warns: bool) {
        self.cost.record_overlong_hold(now);
        if warns {
            let held_ms = time.as_millis() as u64;
            log_warn!(
                method = name,
                held_ms,
                "the method holds its thread and does not end: further calls of it run on the service's own thread"
            );
        }
    }
}

#[cfg(test)]
mod tests;
