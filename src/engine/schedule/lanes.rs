//! Which mailbox is next: least virtual time first.
//!
//! Start-time fair queueing. Each mailbox carries a tag, the virtual time at which its next call starts; running a call moves
//! it on by the call's measured time divided by the mailbox's weight. The mailbox with the least tag goes first, so time on the
//! thread, not the number of calls, is what is shared. A mailbox that was empty starts at the present virtual time: having been
//! idle earns nothing.

use tokio::time::Instant;

/// Virtual nanoseconds per nanosecond at weight 1, so that large weights divide without losing much.
const SCALE: u64 = 16;

#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// The numbers of those that have calls, as far as is known: few, however many mailboxes there are.
    active: Vec<usize>,
    /// The tag of the call that started last.
    now: u64,
    /// Nothing has waited or run since [`forget`](Self::forget).
    was_idle: bool,
}

#[derive(Debug)]
struct Lane {
    weight: u64,
    tag: u64,
    active: bool,
    /// Since when it has had calls, if it has.
    busy_since: Instant,
    /// Its head cannot start in this pass.
    blocked: bool,
}

impl Lanes {
    pub(crate) fn new(weights: impl Iterator<Item = u32>) -> Self {
        let busy_since = Instant::now();
        let lane = |weight| Lane { weight: u64::from(weight), tag: 0, active: false, busy_since, blocked: false };
        Self { lanes: weights.map(lane).collect(), active: Vec::new(), now: 0, was_idle: true }
    }

    /// Calls have come in.
    pub(crate) fn activate(&mut self, index: usize, now: Instant) {
        let lane = &mut self.lanes[index];
        if !lane.active {
            lane.active = true;
            lane.busy_since = now;
            lane.tag = lane.tag.max(self.now);
            self.active.push(index);
        }
    }

    /// Since when a mailbox that has calls has had some at all times.
    pub(crate) fn busy_since(&self, index: usize) -> Instant {
        self.lanes[index].busy_since
    }

    /// The mailbox was found empty.
    pub(crate) fn deactivate(&mut self, index: usize) {
        self.lanes[index].active = false;
        self.lanes[index].blocked = false;
        self.active.retain(|active| *active != index);
    }

    /// The head cannot start; the mailbox is passed over until [`unblock`](Self::unblock).
    pub(crate) fn block(&mut self, index: usize) {
        self.lanes[index].blocked = true;
    }

    pub(crate) fn is_blocked(&self, index: usize) -> bool {
        self.lanes[index].blocked
    }

    pub(crate) fn unblock(&mut self) {
        for index in &self.active {
            self.lanes[*index].blocked = false;
        }
    }

    /// Whether any mailbox has a head that cannot start.
    pub(crate) fn any_blocked(&self) -> bool {
        self.active.iter().any(|index| self.lanes[*index].blocked)
    }

    /// The mailbox that is next, unless all are empty or blocked.
    pub(crate) fn next(&self) -> Option<usize> {
        let ready = self.active.iter().copied().filter(|index| !self.lanes[*index].blocked);
        ready.min_by_key(|index| (self.lanes[*index].tag, *index))
    }

    /// A call of this mailbox starts.
    pub(crate) fn started(&mut self, index: usize) {
        self.now = self.now.max(self.lanes[index].tag);
    }

    /// A call of this mailbox has held a thread for so long.
    pub(crate) fn charge(&mut self, index: usize, nanos: u64) {
        let lane = &mut self.lanes[index];
        lane.tag += (nanos.max(1) * SCALE) / lane.weight;
    }

    /// By mailbox, the time that async calls have held a thread in their polls since this was last told.
    ///
    /// What ran while nobody waited was taken from nobody, and is no debt of its mailbox.
    pub(crate) fn charge_beside(&mut self, charges: impl Iterator<Item = (usize, u64)>) {
        let was_idle = std::mem::take(&mut self.was_idle);
        for (index, nanos) in charges {
            if nanos > 0 && !was_idle {
                self.charge(index, nanos);
            }
        }
    }

    /// All mailboxes are empty and nothing runs: what was used until now gives nobody an advantage.
    pub(crate) fn forget(&mut self) {
        self.was_idle = true;
        self.now = 0;
        for lane in &mut self.lanes {
            lane.tag = 0;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property_tests::{CASES, check, list};

    /// Runs `calls` calls, each costing its mailbox's cost, with all mailboxes always full; the time that each got.
    fn backlogged(weights: &[u32], costs: &[u64], calls: usize) -> Vec<u64> {
        let mut lanes = Lanes::new(weights.iter().copied());
        let now = Instant::now();
        (0..weights.len()).for_each(|index| lanes.activate(index, now));
        let mut got = vec![0; weights.len()];
        for _ in 0..calls {
            let index = lanes.next().unwrap();
            lanes.started(index);
            lanes.charge(index, costs[index]);
            got[index] += costs[index];
        }
        got
    }

    #[test]
    fn time_is_shared_evenly_however_unlike_the_costs_are() {
        let got = backlogged(&[1, 1, 1], &[10_000, 100_000, 1_000_000], 100_000);
        let (least, most) = (got.iter().min().unwrap(), got.iter().max().unwrap());
        assert!(most - least <= 1_000_000, "{got:?}");
    }

    #[test]
    fn time_is_shared_by_weight() {
        let got = backlogged(&[4, 2, 1], &[30_000, 30_000, 30_000], 70_000);
        assert!(
            (got[0] / 1000).abs_diff(4 * got[2] / 1000) <= 200 && (got[1] / 1000).abs_diff(2 * got[2] / 1000) <= 200
        );
    }

    #[test]
    fn a_mailbox_that_was_idle_neither_gains_nor_loses() {
        let mut lanes = Lanes::new([1, 1].into_iter());
        lanes.activate(0, Instant::now());
        for _ in 0..1000 {
            lanes.started(0);
            lanes.charge(0, 1_000_000);
        }
        lanes.activate(1, Instant::now());
        assert_eq!(lanes.next(), Some(1));
        lanes.started(1);
        lanes.charge(1, 2_000_000);
        assert_eq!(lanes.next(), Some(0), "no credit for the time before");
    }

    #[test]
    fn time_beside_the_scheduler_counts_unless_nobody_waited() {
        let mut lanes = Lanes::new([1, 1].into_iter());
        lanes.charge_beside([(0, 1_000_000_000)].into_iter());
        lanes.activate(0, Instant::now());
        lanes.activate(1, Instant::now());
        assert_eq!(lanes.next(), Some(0), "nobody waited: no debt");
        lanes.charge_beside([(0, 10)].into_iter());
        assert_eq!(lanes.next(), Some(1), "somebody waits now");
        lanes.forget();
        lanes.charge_beside([(1, 1_000_000_000)].into_iter());
        lanes.charge_beside([(0, 5)].into_iter());
        assert_eq!(lanes.next(), Some(1), "after an idle time it is as at first");
    }

    #[test]
    fn blocked_and_empty_mailboxes_are_passed_over() {
        let mut lanes = Lanes::new([1, 1, 1].into_iter());
        lanes.activate(0, Instant::now());
        lanes.activate(1, Instant::now());
        lanes.block(0);
        assert_eq!(lanes.next(), Some(1));
        lanes.deactivate(1);
        assert_eq!(lanes.next(), None);
        assert!(lanes.any_blocked() && !lanes.is_idle());
        lanes.unblock();
        assert_eq!(lanes.next(), Some(0));
    }

    #[test]
    fn backlogged_mailboxes_get_time_by_weight_whatever_their_calls_cost() {
        check(CASES, |u| {
            let lanes = list(u, 2, 9, |u| Ok((u.int_in_range(1..=9u32)?, u.int_in_range(1_000..=999_999u64)?)))?;
            let (weights, costs): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
            let got = backlogged(&weights, &costs, 20_000);
            let share = |index: usize| got[index] as f64 / f64::from(weights[index]);
            for (one, other) in (0..got.len()).flat_map(|one| (0..one).map(move |other| (one, other))) {
                // Never further apart than one call of each, weighted: the bound of start-time fair queueing.
                let most =
                    costs[one] as f64 / f64::from(weights[one]) + costs[other] as f64 / f64::from(weights[other]);
                assert!((share(one) - share(other)).abs() <= most + 2.0, "{weights:?} {costs:?} {got:?}");
            }
            Ok(())
        });
    }
}
