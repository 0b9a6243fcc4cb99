//! From counts since the start to what happened recently.
//!
//! The counters of the mailboxes only grow. A window keeps snapshots of them; the difference of two
//! snapshots is what happened in between, percentiles included.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::engine::{MethodStats, Refusals, ServiceStats};
#[cfg(feature = "nats")]
use crate::measure::InstanceStats;
use crate::measure::{ConnectionStats, Histogram};

/// How far back a window looks.
const SPAN: Duration = Duration::from_secs(300);
/// Interval between the snapshots that it keeps: the older end of the window moves in steps of
/// this.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(5);

/// The snapshots with which the next frame is compared.
#[derive(Debug, Default)]
pub(super) struct StatsWindow {
    /// Oldest first.
    snapshots: VecDeque<StatsSnapshot>,
    last: Option<StatsSnapshot>,
}

#[derive(Clone, Debug)]
struct StatsSnapshot {
    at: Instant,
    services: Vec<ServiceStats>,
}

/// A frame, as sent to the pages.
#[derive(Debug, Serialize)]
pub(super) struct ConsoleFrame<'a> {
    /// Length of the window in seconds: shorter than its span until there are snapshots that old.
    window_s: f64,
    services: Vec<ServiceFrame<'a>>,
    /// The connections as they are, and those that ended since the start.
    connections: ConnectionStats,
    /// The instances that share the calls over NATS, if there are any.
    #[cfg(feature = "nats")]
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    instances: &'a [InstanceStats],
}

/// What a frame shows besides the mailboxes.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) connections: ConnectionStats,
    #[cfg(feature = "nats")]
    pub(super) instances: Vec<InstanceStats>,
}

#[derive(Debug, Serialize)]
struct ServiceFrame<'a> {
    service: &'a str,
    is_up: bool,
    restarts: u64,
    methods: Vec<MethodFrame<'a>>,
}

#[derive(Debug, Serialize)]
struct MethodFrame<'a> {
    method: &'a str,
    group: Option<&'static str>,
    depth: usize,
    capacity: usize,
    running: u64,
    /// Calls per second since the last frame that ran to an end.
    ran_per_s: f64,
    /// Calls per second since the last frame that were rejected though their parameters fit.
    rejected_per_s: f64,
    /// The fields from here on are about the window.
    wait: Percentiles,
    run: Percentiles,
    ended: EndCounts,
    refused_for: Refusals,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    count: u64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

#[derive(Debug, Serialize)]
struct EndCounts {
    answered: u64,
    failed: u64,
    panicked: u64,
    expired: u64,
    abandoned: u64,
    cancelled: u64,
}

impl StatsWindow {
    /// Takes the counts of the services at `at`, and what else a frame shows, and passes the new
    /// frame to `write`.
    pub(super) fn advance<T>(
        &mut self,
        at: Instant,
        services: Vec<ServiceStats>,
        around: &Surroundings,
        write: impl FnOnce(&ConsoleFrame<'_>) -> T,
    ) -> T {
        while self.snapshots.front().is_some_and(|oldest| at.duration_since(oldest.at) > SPAN) {
            self.snapshots.pop_front();
        }
        // A snapshot from before a long pause says nothing about this moment.
        let recent = self.last.take().filter(|last| at.duration_since(last.at) <= SNAPSHOT_INTERVAL);
        let now = StatsSnapshot { at, services };
        let oldest = self.snapshots.front().unwrap_or(&now);
        let written = write(&now.since(oldest, recent.as_ref().unwrap_or(&now), around));
        if self.snapshots.back().is_none_or(|newest| at.duration_since(newest.at) >= SNAPSHOT_INTERVAL) {
            self.snapshots.push_back(now.clone());
        }
        self.last = Some(now);
        written
    }
}

impl StatsSnapshot {
    fn since<'a>(&'a self, oldest: &Self, last: &Self, around: &'a Surroundings) -> ConsoleFrame<'a> {
        let seconds = self.at.duration_since(last.at).as_secs_f64();
        // Services and methods stay the same, in the same order, for as long as the server runs.
        let services = self.services.iter().zip(&oldest.services).zip(&last.services);
        let services = services.map(|((now, oldest), last)| ServiceFrame {
            service: &now.service,
            is_up: now.is_up,
            restarts: now.restarts,
            methods: {
                let methods = now.methods.iter().zip(&oldest.methods).zip(&last.methods);
                methods.map(|((now, oldest), last)| MethodFrame::new(now, oldest, last, seconds)).collect()
            },
        });
        let window_s = self.at.duration_since(oldest.at).as_secs_f64();
        ConsoleFrame {
            window_s,
            services: services.collect(),
            connections: around.connections,
            #[cfg(feature = "nats")]
            instances: &around.instances,
        }
    }
}

impl<'a> MethodFrame<'a> {
    fn new(now: &'a MethodStats, oldest: &MethodStats, last: &MethodStats, seconds: f64) -> Self {
        let since = |count: fn(&MethodStats) -> u64, then: &MethodStats| count(now).saturating_sub(count(then));
        let per_s =
            |count: fn(&MethodStats) -> u64| if seconds > 0.0 { since(count, last) as f64 / seconds } else { 0.0 };
        Self {
            method: &now.method,
            group: now.group,
            depth: now.depth,
            capacity: now.capacity,
            running: now.running,
            ran_per_s: per_s(|stats| stats.answered + stats.failed + stats.panicked),
            rejected_per_s: per_s(|stats| stats.refused_for.with_fitting_params()),
            wait: Percentiles::of(&now.wait.since(&oldest.wait)),
            run: Percentiles::of(&now.run.since(&oldest.run)),
            ended: EndCounts {
                answered: since(|stats| stats.answered, oldest),
                failed: since(|stats| stats.failed, oldest),
                panicked: since(|stats| stats.panicked, oldest),
                expired: since(|stats| stats.expired, oldest),
                abandoned: since(|stats| stats.abandoned, oldest),
                cancelled: since(|stats| stats.cancelled, oldest),
            },
            refused_for: now.refused_for.since(&oldest.refused_for),
        }
    }
}

impl Percentiles {
    fn of(times: &Histogram) -> Self {
        let at = |q| times.quantile(q).map(|time| time.as_secs_f64() * 1e6);
        Self { count: times.count(), p50_us: at(0.5), p99_us: at(0.99) }
    }
}
