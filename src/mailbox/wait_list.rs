//! The wait list of a full mailbox or service: batches that wait for slots for their members.

use std::fmt;

use tokio::sync::Notify;

use crate::sync::{AtomicUsize, Ordering};

/// Number of batches that are woken while a full mailbox is emptied once. To wake a batch for every
/// released slot would take longer than most methods run, and a batch takes all the slots it finds.
const WAKES_PER_TURNOVER: usize = 64;

/// Batches that found no slot. They are woken one after another, in order of arrival.
pub(super) struct WaitList {
    /// Number of waiting members, of all batches together.
    members: AtomicUsize,
    /// Number of slots released since a batch was last woken.
    released: AtomicUsize,
    /// Number of released slots after which the next batch is woken.
    wake_every: usize,
    notify: Notify,
}

impl WaitList {
    /// Creates the wait list of a mailbox or service with this many slots.
    pub(super) fn new(slots: usize) -> Self {
        let wake_every = (slots / WAKES_PER_TURNOVER).max(1);
        Self { members: AtomicUsize::new(0), released: AtomicUsize::new(0), wake_every, notify: Notify::new() }
    }

    /// Returns the number of waiting members.
    pub(super) fn members(&self) -> usize {
        self.members.load(Ordering::Relaxed)
    }

    /// Completes when slots were released after this call and it is worth trying again. `members`
    /// count as waiting from the first poll until the future completes or is dropped.
    ///
    /// The caller looks for a slot between this call and the first poll. A release in between is
    /// not missed: `notify_waiters` reaches the future from its creation on, and `notify_one`
    /// leaves a permit if no polled future waits.
    pub(super) fn wait(&self, members: usize) -> impl Future<Output = ()> + '_ {
        let notify = self.notify.notified();
        async move {
            let _guard = WaitingMembers::add(&self.members, members);
            notify.await;
        }
    }

    /// Records that a slot was released while some batch waits, here or elsewhere. If it was the
    /// last slot in use, all batches are woken: no other slot will be released, and no batch may
    /// depend on another to take what is free.
    pub(super) fn released(&self, was_last: bool) {
        if was_last {
            self.released.store(0, Ordering::Relaxed);
            self.notify.notify_waiters();
        } else if self.released.fetch_add(1, Ordering::Relaxed) + 1 >= self.wake_every {
            self.released.store(0, Ordering::Relaxed);
            self.notify.notify_one();
        }
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("members", &self.members).finish_non_exhaustive()
    }
}

/// Guard that counts members as waiting until it is dropped.
struct WaitingMembers<'a> {
    count: &'a AtomicUsize,
    members: usize,
}

impl<'a> WaitingMembers<'a> {
    fn add(count: &'a AtomicUsize, members: usize) -> Self {
        count.fetch_add(members, Ordering::Relaxed);
        Self { count, members }
    }
}

impl Drop for WaitingMembers<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(self.members, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn batches_are_woken_one_after_another_in_order_of_arrival() {
        let wait_list = WaitList::new(1);
        let mut batches: Vec<_> = (1..4).map(|members| Box::pin(wait_list.wait(members))).collect();
        let mut ready = || batches.iter_mut().map(|batch| batch.as_mut().now_or_never().is_some()).collect::<Vec<_>>();
        assert_eq!(ready(), [false; 3]);
        wait_list.released(false);
        assert_eq!(ready(), [true, false, false]);
        wait_list.released(false);
        drop(batches.remove(0));
        assert!(batches[0].as_mut().now_or_never().is_some() && batches[1].as_mut().now_or_never().is_none());
        assert_eq!(wait_list.members(), 3, "a batch that is woken waits no more");
    }

    #[test]
    fn a_batch_that_is_woken_and_leaves_wakes_the_next() {
        let wait_list = WaitList::new(1);
        let mut batches = [Box::pin(wait_list.wait(1)), Box::pin(wait_list.wait(1))];
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_none()));
        wait_list.released(false);
        let [first, mut second] = batches;
        drop(first);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[test]
    fn the_release_of_the_last_slot_wakes_every_batch() {
        let wait_list = WaitList::new(1024);
        let mut batches = [Box::pin(wait_list.wait(1)), Box::pin(wait_list.wait(1))];
        assert!(batches[0].as_mut().now_or_never().is_none());
        wait_list.released(true);
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_some()));
        assert!(wait_list.wait(1).now_or_never().is_none(), "what was free before does not count");
    }

    #[test]
    fn a_large_mailbox_wakes_a_batch_for_every_few_slots() {
        let wait_list = WaitList::new(1024);
        let mut batch = Box::pin(wait_list.wait(1));
        let woken_at = (1..=1024).find(|_| {
            wait_list.released(false);
            batch.as_mut().now_or_never().is_some()
        });
        assert_eq!(woken_at, Some(1024 / WAKES_PER_TURNOVER));
    }
}
