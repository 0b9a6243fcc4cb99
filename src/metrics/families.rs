//! The families of metrics: their names, labels and values.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::engine::{MethodStats, ServiceStats};
use crate::log::lost_lines;
#[cfg(feature = "nats")]
use crate::measure::NatsStats;
use crate::measure::{Histogram, ServerCounters};
#[cfg(feature = "otel")]
use crate::trace::lost_spans;

use super::histogram::exported;
use super::labels::Labels;

/// Writes families, one after another.
pub(super) struct Families<'a>(DescriptorEncoder<'a>);

/// Writes the metrics of one family.
struct Family<'a>(MetricEncoder<'a>);

impl<'a> Families<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    fn begin<'s>(&'s mut self, name: &'s str, help: &str, kind: MetricType) -> Result<Family<'s>, fmt::Error> {
        Ok(Family(self.0.encode_descriptor(name, help, None, kind)?))
    }

    fn counters<'s>(&'s mut self, name: &'s str, help: &str) -> Result<Family<'s>, fmt::Error> {
        self.begin(name, help, MetricType::Counter)
    }

    fn gauges<'s>(&'s mut self, name: &'s str, help: &str) -> Result<Family<'s>, fmt::Error> {
        self.begin(name, help, MetricType::Gauge)
    }

    /// Writes a gauge without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: &impl EncodeGaugeValue) -> fmt::Result {
        self.gauges(name, help)?.0.encode_gauge(value)
    }

    /// Writes a counter without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: &impl EncodeCounterValue) -> fmt::Result {
        self.counters(name, help)?.0.encode_counter::<NoLabelSet, _, u64>(value, None)
    }

    /// Writes what is known of each service.
    pub(super) fn services(&mut self, services: &[ServiceStats]) -> fmt::Result {
        let mut up = self.gauges("callbox_service_up", "Whether the service admits calls")?;
        for service in services {
            up.gauge([("service", &service.service)], u64::from(service.is_up))?;
        }
        let mut restarts = self.counters("callbox_restarts", "Number of times that the state was replaced")?;
        for service in services {
            restarts.counter([("service", &service.service)], service.restarts)?;
        }
        let mut tasks = self.gauges("callbox_tasks", "Number of background tasks that run")?;
        for service in services {
            tasks.gauge([("service", &service.service)], service.tasks as u64)?;
        }
        let mut panics = self.counters("callbox_task_panics", "Number of background tasks that panicked")?;
        for service in services {
            panics.counter([("service", &service.service)], service.task_panics)?;
        }
        Ok(())
    }

    /// Writes what is known of each method.
    pub(super) fn methods(&mut self, services: &[ServiceStats]) -> fmt::Result {
        let methods = || each_method(services);
        let mut calls = self.counters("callbox_calls", "Number of calls that ended, by how they did")?;
        for (service, stats) in methods() {
            let outcomes = [
                ("ok", stats.answered),
                ("error", stats.failed),
                ("panic", stats.panicked),
                ("expired", stats.expired),
                ("abandoned", stats.abandoned),
                ("cancelled", stats.cancelled),
            ];
            for (outcome, count) in outcomes {
                calls.counter([("service", service), ("method", &stats.method), ("outcome", outcome)], count)?;
            }
        }
        let mut rejected = self.counters("callbox_rejected", "Number of calls that were rejected, by the reason")?;
        for (service, stats) in methods() {
            let reasons = stats.refused_for;
            let reasons = [
                ("full", reasons.full),
                ("caller", reasons.caller),
                ("hopeless", reasons.hopeless),
                ("overdue", reasons.overdue),
                ("unavailable", reasons.unavailable),
                ("params", reasons.params),
            ];
            for (reason, count) in reasons {
                rejected.counter([("service", service), ("method", &stats.method), ("reason", reason)], count)?;
            }
        }
        self.of_methods("callbox_mailbox_depth", "Number of calls that wait", services, |stats| stats.depth as u64)?;
        let help = "Maximum number of calls that may wait";
        self.of_methods("callbox_mailbox_capacity", help, services, |stats| stats.capacity as u64)?;
        self.of_methods("callbox_in_flight", "Number of calls that run", services, |stats| stats.running)?;
        self.histograms("callbox_call_wait_seconds", "Time in the mailbox", services, |stats| &stats.wait)?;
        self.histograms("callbox_call_run_seconds", "Duration of the calls", services, |stats| &stats.run)?;
        self.streams(services)
    }

    /// Writes what is known of each subscription. Methods that never had one have none.
    fn streams(&mut self, services: &[ServiceStats]) -> fmt::Result {
        let methods = || each_method(services).filter(|(_, stats)| stats.is_subscription);
        let mut open = self.gauges("callbox_subscriptions", "Number of subscriptions that are open")?;
        for (service, stats) in methods() {
            open.gauge([("service", service), ("method", &stats.method)], stats.subscriptions)?;
        }
        let mut items = self.counters("callbox_items", "Number of items that were sent to subscribers")?;
        for (service, stats) in methods() {
            items.counter([("service", service), ("method", &stats.method)], stats.items)?;
        }
        let mut missed =
            self.counters("callbox_topic_lagged", "Number of items that subscribers missed because they were slow")?;
        for (service, stats) in methods() {
            missed.counter([("service", service), ("method", &stats.method)], stats.missed_items)?;
        }
        Ok(())
    }

    /// Writes what belongs to no method.
    pub(super) fn server(&mut self, counters: &ServerCounters) -> fmt::Result {
        let connections = counters.connections.stats();
        let mut open = self.gauges("callbox_connections", "Number of open connections, by what they carry")?;
        let others = connections.open.saturating_sub(connections.websockets + connections.event_streams);
        for (transport, count) in
            [("http", others), ("websocket", connections.websockets), ("events", connections.event_streams)]
        {
            open.gauge([("transport", transport)], count)?;
        }
        let mut ended = self.counters("callbox_connections_ended", "Number of connections that the server ended")?;
        for (reason, count) in
            [("rejected", connections.rejected), ("slow", connections.slow), ("silent", connections.silent)]
        {
            ended.counter([("reason", reason)], count)?;
        }
        let help = "Number of requests that reached no method, by the reason";
        let mut refused = self.counters("callbox_requests_refused", help)?;
        for (transport, reason, count) in counters.refused.counts() {
            refused.counter([("transport", transport), ("reason", reason)], count)?;
        }
        let mut auth = self.counters("callbox_auth", "Number of tokens that were checked, by the result")?;
        for (outcome, count) in counters.tokens.counts() {
            auth.counter([("outcome", outcome)], count)?;
        }
        #[cfg(feature = "nats")]
        if let Some(stats) = counters.nats.stats() {
            self.nats(&stats)?;
        }
        let help = "Number of lines of the log that could not be written";
        self.counter("callbox_log_lines_lost", help, &lost_lines())?;
        #[cfg(feature = "otel")]
        self.counter("callbox_spans_lost", "Number of spans that no collector took", &lost_spans())?;
        let mut build = self.gauges("callbox_build_info", "The version of callbox")?;
        build.gauge([("version", env!("CARGO_PKG_VERSION"))], 1_u64)
    }

    /// Writes what is known of the connection to NATS.
    #[cfg(feature = "nats")]
    fn nats(&mut self, stats: &NatsStats) -> fmt::Result {
        let help = "Whether there is a connection to NATS";
        self.gauge("callbox_nats_connected", help, &u64::from(stats.is_connected))?;
        let help = "Number of times that the connection to NATS was opened again";
        self.counter("callbox_nats_reconnects", help, &stats.reconnects)?;
        let help = "Whether the process takes calls of the method over NATS";
        let mut members = self.gauges("callbox_nats_member", help)?;
        for group in &stats.groups {
            members.gauge([("service", group.service), ("method", group.method)], u64::from(group.is_in))?;
        }
        let help = "Number of times that the process has left the group of the method for its load";
        let mut left = self.counters("callbox_nats_left", help)?;
        for group in &stats.groups {
            left.counter([("service", group.service), ("method", group.method)], group.left)?;
        }
        Ok(())
    }

    /// Writes a gauge of each method.
    fn of_methods(
        &mut self,
        name: &str,
        help: &str,
        services: &[ServiceStats],
        value: impl Fn(&MethodStats) -> u64,
    ) -> fmt::Result {
        let mut family = self.gauges(name, help)?;
        for (service, stats) in each_method(services) {
            family.gauge([("service", service), ("method", &stats.method)], value(stats))?;
        }
        Ok(())
    }

    /// Writes a histogram of each method that has been called.
    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        services: &[ServiceStats],
        of: impl Fn(&MethodStats) -> &Histogram,
    ) -> fmt::Result {
        let mut family = self.begin(name, help, MetricType::Histogram)?;
        for (service, stats) in each_method(services) {
            let (sum, count, buckets) = exported(of(stats));
            if count > 0 {
                let labels = Labels([("service", service), ("method", &stats.method)]);
                family.0.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

impl Family<'_> {
    fn counter<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: u64) -> fmt::Result {
        self.0.encode_family(&Labels(labels))?.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn gauge<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: u64) -> fmt::Result {
        self.0.encode_family(&Labels(labels))?.encode_gauge(&value)
    }
}

/// Returns each method with the name of its service.
fn each_method(services: &[ServiceStats]) -> impl Iterator<Item = (&str, &MethodStats)> {
    services.iter().flat_map(|service| service.methods.iter().map(|stats| (service.service.as_str(), stats)))
}
