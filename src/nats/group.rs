//! Whether this instance takes calls of a method, as far as the load of all instances decides that.
//!
//! NATS gives a call to any member of a group, a slow one as often as a fast one. So an instance
//! whose calls would wait for long leaves the group, and joins again when it has little to do. All
//! instances say how they are, so that at least one stays.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::measure::SILENCE;
use crate::route::MethodLoad;

/// Number of usual runs that a call would wait, above which its instance leaves the group.
const LEAVE_ABOVE: u32 = 4;

/// Time below which a wait is no reason to leave: it takes about as long until others know.
const SHORT_WAIT: Duration = Duration::from_millis(1);

/// Longest time for which the wait must be too long before the instance leaves.
const LONGEST_DOUBT: Duration = Duration::from_millis(20);

/// What an instance says of one of its methods.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MemberState {
    /// Whether it is a member of the group.
    #[serde(rename = "in")]
    pub(super) is_in: bool,
    /// Usual run time of a call, in microseconds; zero as long as it is not known.
    pub(super) usual_us: f64,
    /// Time that a call would wait, in microseconds.
    pub(super) wait_us: f64,
}

/// What the load asks of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Leave,
    Join,
}

/// The group of one method, as this instance sees it.
#[derive(Debug)]
pub(super) struct Group {
    /// The id of this instance.
    me: String,
    is_in: bool,
    others: HashMap<String, Other>,
    /// Since when a call would wait for too long.
    overloaded_since: Option<Instant>,
}

#[derive(Debug)]
struct Other {
    is_in: bool,
    usual: Duration,
    heard_at: Instant,
}

impl Group {
    /// Returns the group of an instance that is a member, and has heard of no other.
    pub(super) fn new(me: &str) -> Self {
        Self { me: me.to_owned(), is_in: true, others: HashMap::new(), overloaded_since: None }
    }

    #[cfg(test)]
    fn is_in(&self) -> bool {
        self.is_in
    }

    /// Returns what this instance says of itself.
    pub(super) fn state(&self, load: MethodLoad) -> MemberState {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        MemberState { is_in: self.is_in, usual_us: micros(load.usual), wait_us: micros(load.wait) }
    }

    /// Notes what another instance says of itself.
    pub(super) fn hear(&mut self, id: &str, state: MemberState, now: Instant) {
        if id == self.me {
            return;
        }
        self.others.retain(|_, other| now.duration_since(other.heard_at) < SILENCE);
        let micros = |time: f64| Duration::try_from_secs_f64(time / 1e6).unwrap_or_default();
        let other = Other { is_in: state.is_in, usual: micros(state.usual_us), heard_at: now };
        self.others.insert(id.to_owned(), other);
    }

    /// Notes that another instance has said goodbye.
    pub(super) fn forget(&mut self, id: &str) {
        self.others.remove(id);
    }

    /// Returns what this instance must do now, with this load. The change counts as done.
    pub(super) fn decide(&mut self, load: MethodLoad, now: Instant) -> Option<Change> {
        self.others.retain(|_, other| now.duration_since(other.heard_at) < SILENCE);
        let change = if self.is_in { self.leave(load, now) } else { self.join(load) };
        if change.is_some() {
            self.is_in = !self.is_in;
            self.overloaded_since = None;
        }
        change
    }

    fn leave(&mut self, load: MethodLoad, now: Instant) -> Option<Change> {
        let usual = self.usual(load);
        if usual.is_zero() || load.wait <= SHORT_WAIT.max(usual * LEAVE_ABOVE) {
            self.overloaded_since = None;
            return None;
        }
        let since = *self.overloaded_since.get_or_insert(now);
        let is_lasting = now.duration_since(since) >= usual.min(LONGEST_DOUBT);
        // Somebody must take the calls.
        (is_lasting && self.others.values().any(|other| other.is_in)).then_some(Change::Leave)
    }

    fn join(&self, load: MethodLoad) -> Option<Change> {
        if load.wait < (SHORT_WAIT / LEAVE_ABOVE).max(self.usual(load)) {
            return Some(Change::Join);
        }
        // All have left at the same moment: one of them comes back, the same for all.
        let is_anybody_in = self.others.values().any(|other| other.is_in);
        (!is_anybody_in && self.others.keys().all(|id| self.me < *id)).then_some(Change::Join)
    }

    /// Returns the usual run time of a call on the fastest instance. A slow one takes calls as long
    /// as they would wait no longer there than with the others.
    fn usual(&self, load: MethodLoad) -> Duration {
        let of_others = self.others.values().map(|other| other.usual);
        of_others.chain([load.usual]).filter(|usual| !usual.is_zero()).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(wait_ms: u64, usual_ms: u64) -> MethodLoad {
        MethodLoad { wait: Duration::from_millis(wait_ms), usual: Duration::from_millis(usual_ms) }
    }

    fn state(is_in: bool, usual_ms: f64) -> MemberState {
        MemberState { is_in, usual_us: usual_ms * 1e3, wait_us: 0.0 }
    }

    fn after(begin: Instant, ms: u64) -> Instant {
        begin + Duration::from_millis(ms)
    }

    #[test]
    fn an_instance_leaves_when_calls_would_wait_for_long_and_joins_when_it_has_little_to_do() {
        let (mut group, begin) = (Group::new("b"), Instant::now());
        group.hear("a", state(true, 10.0), begin);
        assert_eq!(group.decide(load(40, 10), begin), None, "that is not too long");
        assert_eq!(group.decide(load(41, 10), begin), None, "it may be over at once");
        assert_eq!(group.decide(load(0, 10), after(begin, 5)), None);
        assert_eq!(group.decide(load(50, 10), after(begin, 10)), None, "it began anew");
        assert_eq!(group.decide(load(50, 10), after(begin, 20)), Some(Change::Leave));
        assert!(!group.is_in());
        for wait in [60, 20, 10] {
            assert_eq!(group.decide(load(wait, 10), after(begin, 30)), None);
        }
        assert_eq!(group.decide(load(9, 10), after(begin, 40)), Some(Change::Join));
    }

    #[test]
    fn a_slow_instance_is_measured_by_the_fastest() {
        let (mut group, begin) = (Group::new("b"), Instant::now());
        group.hear("a", state(true, 1.0), begin);
        assert_eq!(group.decide(load(10, 10), begin), None);
        assert_eq!(group.decide(load(10, 10), after(begin, 1)), Some(Change::Leave));
        assert_eq!(group.decide(load(10, 10), after(begin, 2)), None);
        assert_eq!(group.decide(load(0, 10), after(begin, 3)), Some(Change::Join));
    }

    #[test]
    fn the_last_one_stays_and_of_all_that_have_left_the_first_comes_back() {
        let begin = Instant::now();
        let overloaded = |group: &mut Group| {
            group.decide(load(90, 10), begin);
            group.decide(load(90, 10), after(begin, 20))
        };
        let mut alone = Group::new("a");
        assert_eq!(overloaded(&mut alone), None);
        alone.hear("b", state(false, 10.0), begin);
        assert_eq!(overloaded(&mut alone), None, "the other is out");

        for (me, other, expected) in [("a", "b", Some(Change::Join)), ("b", "a", None)] {
            let mut group = Group::new(me);
            group.hear(other, state(true, 10.0), begin);
            assert_eq!(overloaded(&mut group), Some(Change::Leave));
            group.hear(other, state(false, 10.0), begin);
            assert_eq!(group.decide(load(90, 10), after(begin, 30)), expected);
        }
    }

    #[test]
    fn an_instance_that_says_nothing_counts_as_gone() {
        let (mut group, begin) = (Group::new("b"), Instant::now());
        group.hear("a", state(true, 10.0), begin);
        group.hear("b", state(true, 10.0), begin);
        group.decide(load(90, 10), after(begin, 2_900));
        assert_eq!(group.decide(load(90, 10), after(begin, 3_000)), None, "nobody else is there");
        group.hear("c", state(true, 10.0), after(begin, 3_000));
        assert_eq!(group.decide(load(90, 10), after(begin, 3_001)), Some(Change::Leave));
        group.forget("c");
        assert_eq!(group.decide(load(90, 10), after(begin, 3_002)), Some(Change::Join), "it is alone");
    }
}
