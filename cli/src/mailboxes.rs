//! The responses of a server to `rpc.mailboxes` and `rpc.connections`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// The built-in method that returns the mailboxes, to callers with a token.
pub const METHOD: &str = "rpc.mailboxes";

/// The built-in method that returns the connections, to callers with a token.
pub const CONNECTIONS_METHOD: &str = "rpc.connections";

/// The connections of a server: those that are open, and those that it has ended since its start.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Connections {
    pub open: u64,
    pub websockets: u64,
    pub event_streams: u64,
    pub rejected: u64,
    pub slow: u64,
    pub silent: u64,
}

impl Connections {
    /// Returns the numbers with their names.
    pub fn figures(&self) -> [(&'static str, u64); 6] {
        let Self { open, websockets, event_streams, rejected, slow, silent } = *self;
        [
            ("open", open),
            ("WebSockets", websockets),
            ("event streams", event_streams),
            ("rejected", rejected),
            ("slow", slow),
            ("silent", silent),
        ]
    }
}

/// A service with its mailboxes.
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceMailboxes {
    pub service: String,
    /// Id of the instance, on NATS.
    #[serde(skip)]
    pub instance: Option<String>,
    pub is_up: bool,
    pub restarts: u64,
    pub methods: Vec<Mailbox>,
}

/// A method's mailbox, with the number of its calls since the start by outcome.
#[derive(Clone, Debug, Deserialize)]
pub struct Mailbox {
    pub method: String,
    pub depth: u64,
    pub capacity: u64,
    pub running: u64,
    pub answered: u64,
    pub failed: u64,
    pub panicked: u64,
    pub refused: u64,
    #[serde(default)]
    pub refused_for: Refusals,
    pub expired: u64,
    pub abandoned: u64,
    /// A server of an earlier version counts these as abandoned.
    #[serde(default)]
    pub cancelled: u64,
    /// Number of open subscriptions. A server of an earlier version has none, and the same holds
    /// for the next two.
    #[serde(default)]
    pub subscriptions: u64,
    /// Number of items that were sent to subscribers.
    #[serde(default)]
    pub items: u64,
    /// Number of items that subscribers have missed.
    #[serde(default)]
    pub missed_items: u64,
    /// Whether the instance takes calls of the method now, on NATS.
    #[serde(skip)]
    pub is_in_group: Option<bool>,
    pub wait: Histogram,
    pub run: Histogram,
}

/// Numbers of rejected calls by reason, as far as a view needs them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Refusals {
    /// Calls whose parameters did not fit.
    pub params: u64,
}

/// A histogram of durations: the upper end of each bucket in microseconds, and the number of calls
/// in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Histogram {
    buckets: Vec<(f64, u64)>,
}

impl Mailbox {
    /// Returns the number of calls that ended, with any outcome but a rejection.
    pub fn ended(&self) -> u64 {
        self.answered + self.failed + self.panicked + self.expired + self.abandoned + self.cancelled
    }

    /// Returns the number of calls that were rejected though their parameters fit, as the console
    /// and the dashboard count them.
    pub fn rejected(&self) -> u64 {
        self.refused.saturating_sub(self.refused_for.params)
    }
}

impl Histogram {
    /// Returns what was added since an earlier snapshot. After a restart of the server, everything
    /// counts.
    pub fn since(&self, before: &Self) -> Self {
        let before: BTreeMap<_, _> = before.buckets.iter().map(|(upper, count)| (upper.to_bits(), *count)).collect();
        let fresh = self.buckets.iter().map(|(upper, count)| {
            let earlier = before.get(&upper.to_bits()).copied().unwrap_or(0);
            (*upper, count.saturating_sub(earlier))
        });
        Self { buckets: fresh.filter(|(_, count)| *count > 0).collect() }
    }

    /// Returns the duration that a fraction `q` of the calls did not exceed; `None` if there are no
    /// calls.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let all: u64 = self.buckets.iter().map(|(_, count)| count).sum();
        let rank = (all as f64 * q).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.and_then(|(upper, _)| Duration::try_from_secs_f64(upper / 1e6).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_of_two_histograms_has_only_new_calls() {
        let histogram = |buckets: &[(f64, u64)]| Histogram { buckets: buckets.to_vec() };
        let now = histogram(&[(1.0, 90), (8.0, 9), (1000.0, 1)]);
        assert_eq!(now.quantile(0.5), Some(Duration::from_micros(1)));
        assert_eq!(now.quantile(0.99), Some(Duration::from_micros(8)));
        assert_eq!(now.quantile(1.0), Some(Duration::from_millis(1)));
        let fresh = now.since(&histogram(&[(1.0, 90), (8.0, 4)]));
        assert_eq!(fresh, histogram(&[(8.0, 5), (1000.0, 1)]));
        assert_eq!(now.since(&now).quantile(0.5), None);
    }
}
