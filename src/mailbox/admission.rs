//! Admission: whether a call may enter its mailbox.

#[cfg(feature = "nats")]
use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "nats")]
use crate::measure::Counter;
#[cfg(feature = "nats")]
use crate::route::MethodLoad;
use crate::route::Rejection;
use crate::service::{CallContext, MethodKind};

use super::backlog::Backlog;
#[cfg(feature = "nats")]
use super::backlog::MIN_SAMPLES;
use super::mailbox_share::MailboxShare;
use super::method_entry::MethodEntry;
use super::quota::{LimitReached, Permit, SERVICE_BYTES, SERVICE_CALLS};
use super::rejection::{full, hopeless, never_fits, overdue, too_many_of_caller};

/// Admits calls to the mailboxes of one service.
#[derive(Debug)]
pub(crate) struct Admission {
    mailboxes: Box<[MailboxShare]>,
    /// Sum of the weights of all mailboxes.
    weights: u32,
    /// Number of threads that run compute methods.
    threads: u32,
}

impl Admission {
    pub(crate) fn new(mailboxes: &[MailboxShare], threads: u32) -> Self {
        let weights = mailboxes.iter().map(|mailbox| mailbox.weight).fold(0, u32::saturating_add);
        Self { mailboxes: mailboxes.into(), weights, threads }
    }

    /// Admits a call, or returns why not: a limit is reached, or the backlog takes too long.
    ///
    /// # Errors
    /// The rejection with which to answer the call, unless it waits for a slot as a member of a
    /// batch.
    pub(crate) fn admit<'a>(
        &self,
        entry: &'a MethodEntry,
        call: &CallContext,
        bytes: usize,
        now: Instant,
    ) -> Result<Permit<'a>, Rejection> {
        let capacity = entry.slots.capacity();
        let left = call.deadline.saturating_duration_since(now);
        // Hopeless work is rejected first. The check runs for every queued call, so it begins with
        // upper bounds that cost no look at another thread's cache line: the depth as this side
        // last saw it, and the weights of all mailboxes as if all had calls. Only if these are too
        // much are the true values read.
        let at_most = self.backlog(entry, entry.slots.used_at_most(), self.weights);
        if at_most.depth > 0 && at_most.is_hopeless(left) {
            let backlog = self.current_backlog(entry);
            if backlog.depth > 0 && backlog.is_hopeless(left) {
                return Err(hopeless(entry.name, capacity, backlog));
            }
        }
        // Then load shedding, for methods with a `max_wait`.
        if let Some(overdue) = self.predict_overdue(entry, now) {
            return Err(overdue);
        }
        // Then the limits. A full mailbox is reported as hopeless if even a free slot would come
        // too late: then a batch does not wait for one in vain.
        entry.slots.try_acquire(bytes).map_err(|limit| {
            let capacity = if limit == LimitReached::Mailbox { capacity } else { SERVICE_CALLS };
            let backlog = self.current_backlog(entry);
            // Members that wait for a slot come before this call, too.
            let line = Backlog { depth: backlog.depth + entry.slots.waiting_members(), ..backlog };
            if limit == LimitReached::Bytes && bytes > SERVICE_BYTES {
                never_fits(entry.name, capacity, line)
            } else if line.is_hopeless(left) {
                hopeless(entry.name, capacity, line)
            } else {
                full(entry.name, limit, capacity, backlog)
            }
        })
    }

    /// Takes the place of the call among those of its caller.
    ///
    /// # Errors
    /// The rejection of a call whose caller has as many calls in the method as it may.
    #[inline]
    pub(crate) fn admit_caller(&self, entry: &MethodEntry, call: &CallContext) -> Result<(), Rejection> {
        if call.place.take() { Ok(()) } else { Err(self.too_many_of_caller(entry)) }
    }

    #[cold]
    fn too_many_of_caller(&self, entry: &MethodEntry) -> Rejection {
        let max = entry.caller_limit.as_ref().map_or(0, |limit| limit.max());
        too_many_of_caller(entry.name, max, self.current_backlog(entry))
    }

    /// Returns the rejection of a call that would wait longer than `max_wait` in a mailbox that is
    /// overloaded.
    fn predict_overdue(&self, entry: &MethodEntry, now: Instant) -> Option<Rejection> {
        let max_wait = entry.options.max_wait?;
        let backlog = entry.shedding.is_active(now).then(|| self.current_backlog(entry))?;
        (backlog.depth > 0 && backlog.is_hopeless(max_wait)).then(|| {
            entry.shedding.prolong(now);
            overdue(entry.name, entry.slots.capacity(), backlog)
        })
    }

    /// Returns the rejection of a call that has waited longer than `max_wait` in an overloaded
    /// mailbox. `busy_since` is since when the mailbox has had calls.
    #[inline]
    pub(crate) fn shed_if_overdue(
        &self,
        entry: &MethodEntry,
        arrived: Instant,
        busy_since: Instant,
        now: Instant,
    ) -> Option<Rejection> {
        let max_wait = entry.options.max_wait?;
        let sheds = entry.shedding.sheds(now.saturating_duration_since(arrived), max_wait, busy_since, now);
        sheds.then(|| overdue(entry.name, entry.slots.capacity(), self.current_backlog(entry)))
    }

    /// Returns how much work is to be done before a call of this method.
    #[cfg(feature = "nats")]
    pub(crate) fn load(&self, entry: &MethodEntry) -> MethodLoad {
        let backlog = self.current_backlog(entry);
        let is_running = entry.meter.counters.get(Counter::Running) > 0;
        let usual = if backlog.samples < MIN_SAMPLES { Duration::ZERO } else { backlog.usual };
        let wait = backlog.wait() + if is_running { backlog.usual } else { Duration::ZERO };
        // That is the time on the thread. What an async method awaits holds up further calls as
        // well: all of them if it is alone with the state, and otherwise those beyond the limit.
        let run = entry.meter.run_time.usual();
        let depth = u32::try_from(backlog.depth).unwrap_or(u32::MAX);
        let awaits = match entry.kind {
            MethodKind::WriteAsync => run.saturating_mul(depth.saturating_add(is_running.into())),
            MethodKind::ReadAsync => {
                run.saturating_mul(depth) / u32::try_from(entry.options.in_flight).unwrap_or(u32::MAX)
            }
            MethodKind::Read | MethodKind::Write | MethodKind::Compute => Duration::ZERO,
        };
        MethodLoad { wait: wait.max(awaits), usual: usual.max(run) }
    }

    /// Returns the work in front of a call of this method, as it is now.
    fn current_backlog(&self, entry: &MethodEntry) -> Backlog {
        let busy = self.mailboxes.iter().filter(|mailbox| mailbox.slots.used() > 0);
        self.backlog(entry, entry.slots.used(), busy.map(|mailbox| mailbox.weight).sum())
    }

    /// Returns the work in front of a call of this method, if its mailbox holds `depth` calls and
    /// the mailboxes that have calls have `weights` together.
    fn backlog(&self, entry: &MethodEntry, depth: usize, weights: u32) -> Backlog {
        let cost = &entry.meter.cost;
        let usual = cost.usual();
        Backlog {
            depth,
            usual: if entry.kind == MethodKind::Compute { usual / self.threads } else { usual },
            samples: cost.samples(),
            weight: entry.weight,
            weights,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::time::Duration;

    use callbox::service;

    use crate::service::{CallerPlace, CancelFlag, OwnTrace};

    use super::*;
    use crate::auth::Caller;
    use crate::mailbox::{Bell, MailboxSlots, Quota};
    use crate::route::RejectReason;
    use crate::service::MethodOptions;
    use crate::sync::Arc;

    struct Warehouse;

    #[service(name = "warehouse")]
    impl Warehouse {
        #[public_method]
        fn restock(&self) {}

        #[public_method]
        async fn move_all(&mut self) {}

        #[public_method]
        async fn count(&self) {}
    }

    /// A method whose calls take 10 ms, the slots of another mailbox of its service, which has
    /// three times the weight, and the admission of both.
    fn warehouse() -> (MethodEntry, Arc<MailboxSlots>, Admission) {
        let quota = Quota::new(100, 100, Arc::new(Bell::new(2)));
        let slots = || MailboxSlots::new(50, Arc::clone(&quota));
        let mailboxes = [(0, 1), (1, 3)].map(|(index, weight)| MailboxShare::new(index, slots(), weight));
        let entry = MethodEntry::new::<Warehouse, Warehouse_Restock>("restock", MethodOptions::public(), &mailboxes[0]);
        (0..8).for_each(|_| entry.meter.cost.record_run(Duration::from_millis(10)));
        (entry, Arc::clone(&mailboxes[1].slots), Admission::new(&mailboxes, 1))
    }

    /// Returns why a call is rejected that has 100 ms left, if it is.
    fn rejection(admission: &Admission, entry: &MethodEntry) -> Option<Rejection> {
        let (caller, arrived) = (Caller::anonymous(), Instant::now());
        let deadline = arrived + Duration::from_millis(100);
        let (method, notification) = (entry.name, false);
        let call = CallContext {
            method,
            caller,
            arrived,
            deadline,
            notification,
            chain: None,
            request: OnceLock::new(),
            number: None,
            services: None,
            progress: None,
            cancelled: CancelFlag::default(),
            place: CallerPlace::default(),
            trace: OwnTrace::default(),
        };
        admission.admit(entry, &call, 0, arrived).err()
    }

    #[test]
    fn the_estimated_wait_counts_the_weights_of_all_mailboxes_that_have_calls() {
        let (entry, other, admission) = warehouse();
        let waiting: Vec<_> = (0..5).map(|_| entry.slots.try_acquire(0).unwrap()).collect();
        assert!(rejection(&admission, &entry).is_none(), "alone they take 50 ms");
        let beside = other.try_acquire(0).unwrap();
        let Rejection { reason, error } = rejection(&admission, &entry).unwrap();
        assert_eq!(
            (reason, error.retry_after()),
            (RejectReason::Hopeless, Some(Duration::from_millis(200))),
            "a quarter of the time is theirs"
        );
        drop((waiting, beside));
        assert!(rejection(&admission, &entry).is_none());
    }

    #[cfg(feature = "nats")]
    #[test]
    fn what_an_async_method_awaits_counts_as_well() {
        let quota = Quota::new(100, 100, Arc::new(Bell::new(1)));
        let mailbox = MailboxShare::new(0, MailboxSlots::new(50, quota), 1);
        let admission = Admission::new(std::slice::from_ref(&mailbox), 1);
        let options = MethodOptions::public().in_flight(2);
        let alone = MethodEntry::new::<Warehouse, Warehouse_MoveAll>("move_all", options.clone(), &mailbox);
        let shared = MethodEntry::new::<Warehouse, Warehouse_Count>("count", options, &mailbox);
        for entry in [&alone, &shared] {
            (0..8).for_each(|_| entry.meter.cost.record_run(Duration::from_micros(1)));
            (0..8).for_each(|_| entry.meter.run_time.record(Duration::from_millis(10)));
        }
        let waits = || [&alone, &shared].map(|entry| admission.load(entry).wait.as_millis());
        assert_eq!(waits(), [0, 0]);
        let _waiting: Vec<_> = (0..4).map(|_| mailbox.slots.try_acquire(0).unwrap()).collect();
        assert_eq!(waits(), [40, 20], "two of the latter run at once");
        assert_eq!(admission.load(&alone).usual, Duration::from_millis(10));
    }
}
