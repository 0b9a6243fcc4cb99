//! Fair sharing of the host's thread among mailboxes: start-time fair queueing.
//!
//! Each mailbox is a flow with a tag: the virtual time at which its next call starts. A call moves
//! the tag forward by the time that the call held the thread, divided by the weight of the mailbox.
//! The flow with the smallest tag is served next. So flows share time, not numbers of calls. A flow
//! that was empty restarts at the current virtual time or later, so that being idle earns no
//! credit.

use tokio::time::Instant;

/// Virtual nanoseconds per nanosecond at weight 1. With more than one, division by a large weight
/// loses little.
const SCALE: u64 = 16;

/// The flows of all mailboxes of one service.
#[derive(Debug)]
pub(crate) struct FairQueue {
    flows: Vec<Flow>,
    /// Indices of the flows that are known to have calls. They are few, however many mailboxes
    /// there are.
    active: Vec<usize>,
    /// The current virtual time: the tag of the call that started last.
    now: u64,
    /// Whether no call has waited or run since [`reset`](Self::reset).
    was_idle: bool,
}

/// One mailbox as the fair queue sees it.
#[derive(Debug)]
struct Flow {
    weight: u64,
    tag: u64,
    active: bool,
    /// Start of the current busy period. Meaningful only while the flow is active.
    busy_since: Instant,
    /// Whether the head of the mailbox cannot start in this pass.
    blocked: bool,
}

impl FairQueue {
    pub(crate) fn new(weights: impl Iterator<Item = u32>) -> Self {
        let busy_since = Instant::now();
        let flow = |weight| Flow { weight: u64::from(weight), tag: 0, active: false, busy_since, blocked: false };
        Self { flows: weights.map(flow).collect(), active: Vec::new(), now: 0, was_idle: true }
    }

    /// Marks a flow as having calls.
    pub(crate) fn activate(&mut self, index: usize, now: Instant) {
        let flow = &mut self.flows[index];
        if !flow.active {
            flow.active = true;
            flow.busy_since = now;
            flow.tag = flow.tag.max(self.now);
            self.active.push(index);
        }
    }

    /// Returns the time since which an active flow has always had calls.
    pub(crate) fn busy_since(&self, index: usize) -> Instant {
        self.flows[index].busy_since
    }

    /// Marks a flow as empty.
    pub(crate) fn deactivate(&mut self, index: usize) {
        self.flows[index].active = false;
        self.flows[index].blocked = false;
        self.active.retain(|active| *active != index);
    }

    /// Skips a flow whose head cannot start, until [`unblock`](Self::unblock).
    pub(crate) fn block(&mut self, index: usize) {
        self.flows[index].blocked = true;
    }

    pub(crate) fn is_blocked(&self, index: usize) -> bool {
        self.flows[index].blocked
    }

    pub(crate) fn unblock(&mut self) {
        for index in &self.active {
            self.flows[*index].blocked = false;
        }
    }

    /// Whether any flow is blocked.
    pub(crate) fn any_blocked(&self) -> bool {
        self.active.iter().any(|index| self.flows[*index].blocked)
    }

    /// Returns the index of the flow to serve next, unless all are empty or blocked.
    pub(crate) fn next(&self) -> Option<usize> {
        let ready = self.active.iter().copied().filter(|index| !self.flows[*index].blocked);
        ready.min_by_key(|index| (self.flows[*index].tag, *index))
    }

    /// Advances the virtual time to a call of this flow, which starts now.
    pub(crate) fn started(&mut self, index: usize) {
        self.now = self.now.max(self.flows[index].tag);
    }

    /// Charges a flow for the time that one of its calls held a thread.
    pub(crate) fn charge(&mut self, index: usize, nanos: u64) {
        let flow = &mut self.flows[index];
        flow.tag += (nanos.max(1) * SCALE) / flow.weight;
    }

    /// Charges flows for the time that their async calls held a thread while polled, which the
    /// scheduler does not see.
    ///
    /// Time that was used while no call waited took nothing from others, so it is not charged.
    pub(crate) fn charge_async(&mut self, charges: impl Iterator<Item = (usize, u64)>) {
        let was_idle = std::mem::take(&mut self.was_idle);
        for (index, nanos) in charges {
            if nanos > 0 && !was_idle {
                self.charge(index, nanos);
            }
        }
    }

    /// Forgets all tags. Called when no call waits or runs, since then no flow has a claim on
    /// another.
    pub(crate) fn reset(&mut self) {
        self.was_idle = true;
        self.now = 0;
        for flow in &mut self.flows {
            flow.tag = 0;
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

    /// Runs `calls` calls, each costing its mailbox's cost, with all mailboxes always full; the
    /// time that each got.
    fn backlogged(weights: &[u32], costs: &[u64], calls: usize) -> Vec<u64> {
        let mut queue = FairQueue::new(weights.iter().copied());
        let now = Instant::now();
        (0..weights.len()).for_each(|index| queue.activate(index, now));
        let mut got = vec![0; weights.len()];
        for _ in 0..calls {
            let index = queue.next().unwrap();
            queue.started(index);
            queue.charge(index, costs[index]);
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
        let mut queue = FairQueue::new([1, 1].into_iter());
        queue.activate(0, Instant::now());
        for _ in 0..1000 {
            queue.started(0);
            queue.charge(0, 1_000_000);
        }
        queue.activate(1, Instant::now());
        assert_eq!(queue.next(), Some(1));
        queue.started(1);
        queue.charge(1, 2_000_000);
        assert_eq!(queue.next(), Some(0), "no credit for the time before");
    }

    #[test]
    fn time_beside_the_scheduler_counts_unless_nobody_waited() {
        let mut queue = FairQueue::new([1, 1].into_iter());
        queue.charge_async([(0, 1_000_000_000)].into_iter());
        queue.activate(0, Instant::now());
        queue.activate(1, Instant::now());
        assert_eq!(queue.next(), Some(0), "nobody waited: no debt");
        queue.charge_async([(0, 10)].into_iter());
        assert_eq!(queue.next(), Some(1), "somebody waits now");
        queue.reset();
        queue.charge_async([(1, 1_000_000_000)].into_iter());
        queue.charge_async([(0, 5)].into_iter());
        assert_eq!(queue.next(), Some(1), "after an idle time it is as at first");
    }

    #[test]
    fn blocked_and_empty_mailboxes_are_passed_over() {
        let mut queue = FairQueue::new([1, 1, 1].into_iter());
        queue.activate(0, Instant::now());
        queue.activate(1, Instant::now());
        queue.block(0);
        assert_eq!(queue.next(), Some(1));
        queue.deactivate(1);
        assert_eq!(queue.next(), None);
        assert!(queue.any_blocked() && !queue.is_idle());
        queue.unblock();
        assert_eq!(queue.next(), Some(0));
    }

    #[test]
    fn backlogged_mailboxes_get_time_by_weight_whatever_their_calls_cost() {
        check(CASES, |u| {
            let mailboxes = list(u, 2, 9, |u| Ok((u.int_in_range(1..=9u32)?, u.int_in_range(1_000..=999_999u64)?)))?;
            let (weights, costs): (Vec<_>, Vec<_>) = mailboxes.into_iter().unzip();
            let got = backlogged(&weights, &costs, 20_000);
            let share = |index: usize| got[index] as f64 / f64::from(weights[index]);
            for (one, other) in (0..got.len()).flat_map(|one| (0..one).map(move |other| (one, other))) {
                // Never further apart than one call of each, weighted: the bound of start-time fair
                // queueing.
                let most =
                    costs[one] as f64 / f64::from(weights[one]) + costs[other] as f64 / f64::from(weights[other]);
                assert!((share(one) - share(other)).abs() <= most + 2.0, "{weights:?} {costs:?} {got:?}");
            }
            Ok(())
        });
    }
}
