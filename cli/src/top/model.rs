//! The difference between two snapshots of the mailboxes.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use callbox_cli::mailboxes::{Connections, Mailbox, ServiceMailboxes};

use crate::nats::{short_length, shortened};

/// The mailboxes of a server at one time.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) at: Instant,
    pub(crate) services: Vec<ServiceMailboxes>,
    pub(crate) connections: Option<Connections>,
}

/// What is on the screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) rows: Vec<MailboxRow>,
    /// The open connections, if the server knows them.
    pub(crate) connections: Option<Connections>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceRow {
    pub(crate) name: String,
    pub(crate) is_up: bool,
    pub(crate) restarts: u64,
    /// Its instances, on NATS.
    pub(crate) instances: Vec<String>,
}

/// An instance on NATS, and whether it takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceCell {
    /// The beginning of its id.
    pub(crate) id: String,
    /// Whether it is in the group of the method, whose members take the calls.
    pub(crate) is_in: bool,
}

/// One mailbox. Rates are those between the two snapshots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MailboxRow {
    pub(crate) method: String,
    /// Whose mailbox it is, on NATS.
    pub(crate) instance: Option<InstanceCell>,
    pub(crate) depth: u64,
    pub(crate) capacity: u64,
    pub(crate) running: u64,
    /// Calls that ended, per second.
    pub(crate) ended: f64,
    /// Calls that ended without a result, per second.
    pub(crate) failed: f64,
    /// Calls that were rejected though their parameters fit, per second.
    pub(crate) rejected: f64,
    /// What the method sends, if it is a subscription that somebody has made.
    pub(crate) stream: Option<StreamRow>,
    /// Median and 99th percentile of the waiting time between the two snapshots.
    pub(crate) wait: [Option<Duration>; 2],
    /// The same for the run time.
    pub(crate) run: [Option<Duration>; 2],
}

/// The items of a method. Rates are those between the two snapshots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StreamRow {
    /// Open subscriptions.
    pub(crate) subscriptions: u64,
    /// Items that were sent, per second.
    pub(crate) items: f64,
    /// Items that subscribers have missed, per second.
    pub(crate) missed: f64,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// The fullest mailbox is first, then the one with the most calls.
    #[default]
    Depth,
    Calls,
    Name,
}

impl SortOrder {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Depth => Self::Calls,
            Self::Calls => Self::Name,
            Self::Name => Self::Depth,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Calls => "calls",
            Self::Name => "name",
        }
    }
}

impl View {
    pub(crate) fn between(before: &Snapshot, now: &Snapshot) -> Self {
        let seconds = (now.at - before.at).as_secs_f64().max(1e-3);
        let mailboxes = |snapshot: &Snapshot| -> HashMap<(String, Option<String>, String), Mailbox> {
            let all = snapshot.services.iter().flat_map(|service| {
                let of = move |mailbox: &Mailbox| {
                    ((service.service.clone(), service.instance.clone(), mailbox.method.clone()), mailbox.clone())
                };
                service.methods.iter().map(of)
            });
            all.collect()
        };
        let mut earlier = mailboxes(before);
        let mut view = Self { connections: now.connections, ..Self::default() };
        let length = short_length(now.services.iter().filter_map(|service| service.instance.as_deref()));
        for ServiceMailboxes { service, instance, is_up, restarts, methods } in &now.services {
            let id = instance.as_ref().map(|id| shortened(id, length));
            view.add_service(service, *is_up, *restarts, id.clone());
            for mailbox in methods {
                let before = earlier.remove(&(service.clone(), instance.clone(), mailbox.method.clone()));
                let mut row = MailboxRow::between(before.as_ref().unwrap_or(mailbox), mailbox, seconds);
                row.instance = id.clone().map(|id| InstanceCell { id, is_in: mailbox.is_in_group.unwrap_or(true) });
                view.rows.push(row);
            }
        }
        view
    }

    /// Adds a service, or an instance to the one before.
    fn add_service(&mut self, name: &str, is_up: bool, restarts: u64, instance: Option<String>) {
        match (self.services.last_mut().filter(|last| last.name == name), instance) {
            (Some(last), Some(instance)) => last.instances.push(instance),
            (_, instance) => {
                let instances = instance.into_iter().collect();
                self.services.push(ServiceRow { name: name.to_owned(), is_up, restarts, instances });
            }
        }
    }

    /// Whether the mailboxes are those of instances on NATS.
    pub(crate) fn has_instances(&self) -> bool {
        self.rows.iter().any(|row| row.instance.is_some())
    }

    pub(crate) fn sort(&mut self, order: SortOrder) {
        let full = |row: &MailboxRow| (row.depth as f64 / row.capacity.max(1) as f64 * 1e6) as u64;
        let calls = |row: &MailboxRow| (row.ended * 1e3) as u64;
        match order {
            SortOrder::Depth => self.rows.sort_by_key(|row| Reverse((full(row), calls(row)))),
            SortOrder::Calls => self.rows.sort_by_key(|row| Reverse(calls(row))),
            // The instances of a method stay next to each other.
            SortOrder::Name => self.rows.sort_by(|a, b| {
                let key = |row: &MailboxRow| row.instance.as_ref().map(|instance| instance.id.clone());
                a.method.cmp(&b.method).then_with(|| key(a).cmp(&key(b)))
            }),
        }
    }
}

impl MailboxRow {
    fn between(before: &Mailbox, now: &Mailbox, seconds: f64) -> Self {
        // A count that is lower than before means that the server was restarted.
        let a_second = |count: fn(&Mailbox) -> u64| count(now).saturating_sub(count(before)) as f64 / seconds;
        let (wait, run) = (now.wait.since(&before.wait), now.run.since(&before.run));
        Self {
            method: now.method.clone(),
            instance: None,
            depth: now.depth,
            capacity: now.capacity,
            running: now.running,
            ended: a_second(Mailbox::ended),
            failed: a_second(|mailbox| mailbox.ended() - mailbox.answered),
            rejected: a_second(Mailbox::rejected),
            // What has never had a subscriber may be any method.
            stream: (now.subscriptions + now.items > 0).then(|| StreamRow {
                subscriptions: now.subscriptions,
                items: a_second(|mailbox| mailbox.items),
                missed: a_second(|mailbox| mailbox.missed_items),
            }),
            wait: [0.5, 0.99].map(|q| wait.quantile(q)),
            run: [0.5, 0.99].map(|q| run.quantile(q)),
        }
    }

    /// Returns the depth relative to the capacity, from 0 to 1.
    pub(crate) fn fullness(&self) -> f64 {
        (self.depth as f64 / self.capacity.max(1) as f64).min(1.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns a mailbox as a server describes it.
    pub(crate) fn mailbox(method: &str, depth: u64, answered: u64, refused: u64, run: &[(f64, u64)]) -> Value {
        json!({
            "method": method, "group": null, "depth": depth, "capacity": 100, "running": 1, "inline": 0, "queued": answered,
            "answered": answered, "failed": 2, "panicked": 1, "refused": refused + 3, "refused_for": { "params": 3 }, "expired": 0, "abandoned": 0,
            "usual_us": 1.0, "wait": { "count": 0, "buckets": [] }, "run": { "count": 1, "buckets": run },
        })
    }

    /// Returns the mailbox of a method with open subscriptions.
    pub(crate) fn subscribed(method: &str, subscriptions: u64, items: u64, missed: u64) -> Value {
        let mut mailbox = mailbox(method, 0, 0, 0, &[]);
        for (name, value) in [("subscriptions", subscriptions), ("items", items), ("missed_items", missed)] {
            mailbox[name] = value.into();
        }
        mailbox
    }

    pub(crate) fn snapshot(at: Instant, methods: &[Value]) -> Snapshot {
        let services = json!([{ "service": "notes", "is_up": true, "restarts": 0, "methods": methods }]);
        Snapshot { at, services: serde_json::from_value(services).unwrap(), connections: None }
    }

    #[test]
    fn rates_and_times_are_those_between_two_snapshots() {
        let begin = Instant::now();
        let before = snapshot(begin, &[mailbox("a", 0, 100, 5, &[(10.0, 100)])]);
        let now = snapshot(begin + Duration::from_secs(2), &[mailbox("a", 50, 300, 25, &[(10.0, 100), (500.0, 10)])]);
        let view = View::between(&before, &now);
        let row = &view.rows[0];
        assert_eq!((row.ended, row.failed, row.rejected, row.fullness()), (100.0, 0.0, 10.0, 0.5));
        assert_eq!(row.run, [Some(Duration::from_micros(500)); 2]);
        assert_eq!(row.wait, [None; 2]);
        // A mailbox that is new, and a server that was restarted.
        let fresh = snapshot(begin + Duration::from_secs(3), &[mailbox("a", 0, 1, 0, &[]), mailbox("b", 0, 7, 0, &[])]);
        assert!(View::between(&now, &fresh).rows.iter().all(|row| row.ended == 0.0));
    }

    /// Returns a snapshot of two instances of a service, of which the second one takes no calls.
    pub(crate) fn instances(at: Instant, answered: [u64; 2]) -> Snapshot {
        let mut both =
            [("aaaaaaaa", true), ("bbbbbbbb", false)].into_iter().zip(answered).map(|((id, is_in), answered)| {
                let mut one = snapshot(at, &[mailbox("notes.add", 0, answered, 0, &[])]).services.remove(0);
                one.instance = Some(id.to_owned());
                one.methods[0].is_in_group = Some(is_in);
                one
            });
        Snapshot { at, services: both.by_ref().collect(), connections: None }
    }

    #[test]
    fn each_instance_has_its_own_row() {
        let begin = Instant::now();
        let (before, now) = (instances(begin, [0, 100]), instances(begin + Duration::from_secs(1), [50, 110]));
        let mut view = View::between(&before, &now);
        view.sort(SortOrder::Name);
        let rows: Vec<_> = view
            .rows
            .iter()
            .map(|row| (row.instance.as_ref().map(|one| (one.id.as_str(), one.is_in)), row.ended))
            .collect();
        assert_eq!(rows, [(Some(("aaaaaa", true)), 50.0), (Some(("bbbbbb", false)), 10.0)]);
        let [service] = &view.services[..] else { panic!("{:?}", view.services) };
        assert_eq!(service.instances, ["aaaaaa", "bbbbbb"]);
    }

    #[test]
    fn rows_can_be_sorted_in_each_order() {
        let begin = Instant::now();
        let boxes = |calls: [u64; 3]| {
            let [a, b, c] = calls;
            [mailbox("b", 3, b, 0, &[]), mailbox("a", 1, a, 0, &[]), mailbox("c", 0, c, 0, &[])]
        };
        let before = snapshot(begin, &boxes([0, 0, 0]));
        let mut view = View::between(&before, &snapshot(begin + Duration::from_secs(1), &boxes([10, 5, 50])));
        for (order, expected) in [(SortOrder::Depth, "bac"), (SortOrder::Calls, "cab"), (SortOrder::Name, "abc")] {
            view.sort(order);
            assert_eq!(view.rows.iter().map(|row| row.method.as_str()).collect::<String>(), expected, "{order:?}");
        }
        assert_eq!(SortOrder::Depth.next().next().next(), SortOrder::Depth);
    }
}
