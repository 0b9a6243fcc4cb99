//! What is known of the connection to NATS, and of all instances that share the calls.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::sync::Mutex;

/// Time after which an instance that says nothing counts as silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(3);

/// Time after which it is no longer shown.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Maximum number of instances that are shown. Whoever may write to the subject of a service could
/// make up any number.
const MAX_INSTANCES: usize = 2048;

/// What a server counts of its connection to NATS, if it has one.
#[derive(Default)]
pub(crate) struct NatsCounters(Mutex<NatsState>);

#[derive(Default)]
struct NatsState {
    connection: Option<ReadConnection>,
    /// By service and method.
    groups: BTreeMap<(&'static str, &'static str), GroupStats>,
    /// By service and id.
    instances: BTreeMap<(&'static str, String), Heard>,
}

/// Reads the state of the connection: whether there is one, and how often it was opened again.
type ReadConnection = Box<dyn Fn() -> (bool, u64) + Send + Sync>;

struct Heard {
    is_own: bool,
    at: std::time::Instant,
    methods: Vec<MemberLoad>,
}

/// What an instance says of one of its methods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MemberLoad {
    pub(crate) method: &'static str,
    /// Whether it is a member of the group.
    #[serde(rename = "in")]
    pub(crate) is_in: bool,
    /// Usual run time of a call, in microseconds.
    pub(crate) usual_us: f64,
    /// Time that a call would wait, in microseconds.
    pub(crate) wait_us: f64,
}

/// The connection, and the groups that this process takes calls of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NatsStats {
    pub(crate) is_connected: bool,
    pub(crate) reconnects: u64,
    pub(crate) groups: Vec<GroupStats>,
}

/// The group of one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupStats {
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// Whether this process is a member.
    pub(crate) is_in: bool,
    /// Number of times that it has left because of its load.
    pub(crate) left: u64,
}

/// An instance of a service.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InstanceStats {
    service: &'static str,
    id: String,
    /// Whether it is in this process.
    is_own: bool,
    /// Whether it has said nothing for some seconds.
    is_silent: bool,
    methods: Vec<MemberLoad>,
}

impl NatsCounters {
    /// Says how the state of the connection is read.
    pub(crate) fn connect(&self, read: impl Fn() -> (bool, u64) + Send + Sync + 'static) {
        self.0.lock().connection = Some(Box::new(read));
    }

    /// Notes whether this process is in a group now. It has left because of its `load`, or joined.
    pub(crate) fn note_membership(&self, service: &'static str, method: &'static str, is_in: bool) {
        let mut state = self.0.lock();
        let group = state.groups.entry((service, method));
        let group = group.or_insert(GroupStats { service, method, is_in: false, left: 0 });
        group.left += u64::from(group.is_in && !is_in);
        group.is_in = is_in;
    }

    /// Notes what an instance says of its methods.
    pub(crate) fn note_instance(&self, service: &'static str, id: &str, is_own: bool, methods: Vec<MemberLoad>) {
        let heard = Heard { is_own, at: std::time::Instant::now(), methods };
        let (mut state, key) = (self.0.lock(), (service, id.to_owned()));
        state.instances.retain(|_, heard| heard.at.elapsed() < FORGOTTEN);
        if state.instances.len() < MAX_INSTANCES || state.instances.contains_key(&key) {
            state.instances.insert(key, heard);
        }
    }

    /// Forgets an instance that has stopped.
    pub(crate) fn forget_instance(&self, service: &'static str, id: &str) {
        self.0.lock().instances.remove(&(service, id.to_owned()));
    }

    /// Returns the connection and the groups; `None` if the server does not use NATS.
    pub(crate) fn stats(&self) -> Option<NatsStats> {
        let state = self.0.lock();
        let (is_connected, reconnects) = state.connection.as_ref()?();
        Some(NatsStats { is_connected, reconnects, groups: state.groups.values().cloned().collect() })
    }

    /// Returns the instances of all services, also those of other processes.
    pub(crate) fn instances(&self) -> Vec<InstanceStats> {
        let state = self.0.lock();
        let instance = |((service, id), heard): (&(&'static str, String), &Heard)| InstanceStats {
            service,
            id: id.clone(),
            is_own: heard.is_own,
            is_silent: heard.at.elapsed() >= SILENCE,
            methods: heard.methods.clone(),
        };
        state.instances.iter().map(instance).collect()
    }
}

impl fmt::Debug for NatsCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsCounters").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_a_group_is_counted_and_instances_are_known_until_they_stop() {
        let counters = NatsCounters::default();
        assert_eq!(counters.stats(), None);
        counters.connect(|| (true, 2));
        for is_in in [true, false, true, false, false] {
            counters.note_membership("orders", "add", is_in);
        }
        let stats = counters.stats().unwrap();
        assert_eq!((stats.is_connected, stats.reconnects), (true, 2));
        assert_eq!(stats.groups, [GroupStats { service: "orders", method: "add", is_in: false, left: 2 }]);
        let load = MemberLoad { method: "add", is_in: true, usual_us: 3.5, wait_us: 0.0 };
        counters.note_instance("orders", "b", false, vec![load.clone()]);
        counters.note_instance("orders", "a", true, vec![load]);
        let json = serde_json::to_value(counters.instances()).unwrap();
        assert_eq!(
            (&json[0]["id"], &json[0]["is_own"], &json[1]["is_silent"]),
            (&"a".into(), &true.into(), &false.into())
        );
        assert_eq!(json[1]["methods"][0]["in"], true);
        counters.forget_instance("orders", "a");
        assert_eq!(counters.instances().len(), 1);
        for number in 0..MAX_INSTANCES + 2 {
            counters.note_instance("orders", &number.to_string(), false, Vec::new());
        }
        assert_eq!(counters.instances().len(), MAX_INSTANCES);
    }
}
