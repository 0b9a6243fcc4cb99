//! The wait_list before a mailbox, or a service, that is full: batches that wait for notify for their
//! members.

use std::fmt;

use tokio::sync::Notify;

use crate::sync::{AtomicUsize, Ordering};

/// How many slots come free before a batch is told, as a part of all: to wake one for each place
/// would take longer than most methods do, and a batch takes all slots that it finds.
const WAKES_PER_TURNOVER: usize = 64;

/// Batches that found no notify. They are told of notify one after another, in the order in which they
/// came.
pub(super) struct WaitList {
    /// WaitingMembers that wait, of all batches.
    members: AtomicUsize,
    /// MailboxSlots that have come free since a batch was last told.
    released: AtomicUsize,
    /// So many have to, before one is told.
    wake_every: usize,
    notify: Notify,
}

impl WaitList {
    /// The wait_list before so many slots.
    pub(super) fn new(slots: usize) -> Self {
        let wake_every = (slots / WAKES_PER_TURNOVER).max(1);
        Self { members: AtomicUsize::new(0), released: AtomicUsize::new(0), wake_every, notify: Notify::new() }
    }

    /// WaitingMembers that wait.
    pub(super) fn members(&self) -> usize {
        self.members.load(Ordering::Relaxed)
    }

    /// Completes when it is worth to look for notify that came free after this call. So many members
    /// count as waiting as long as the future does.
    pub(super) fn wait(&self, members: usize) -> impl Future<Output = ()> + '_ {
        let notify = self.notify.notified();
        async move {
            let _guard = WaitingMembers::add(&self.members, members);
            notify.await;
        }
    }

    /// A place has come free while somebody waits, here or elsewhere. If it was the last that was
    /// taken, everybody is told: no other will come free, and none relies on another to take the
    /// notify that there is.
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

/// WaitingMembers that are counted until this is dropped.
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
    fn batches_are_told_one_after_another_in_the_order_in_which_they_came() {
        let wait_list = WaitList::new(1);
        let mut batches: Vec<_> = (1..4).map(|members| Box::pin(wait_list.wait(members))).collect();
        let mut ready = || batches.iter_mut().map(|batch| batch.as_mut().now_or_never().is_some()).collect::<Vec<_>>();
        assert_eq!(ready(), [false; 3]);
        wait_list.released(false);
        assert_eq!(ready(), [true, false, false]);
        wait_list.released(false);
        drop(batches.remove(0));
        assert!(batches[0].as_mut().now_or_never().is_some() && batches[1].as_mut().now_or_never().is_none());
        assert_eq!(wait_list.members(), 3, "those that are told wait no more");
    }

    #[test]
    fn a_batch_that_is_told_and_leaves_passes_it_on() {
        let wait_list = WaitList::new(1);
        let mut batches = [Box::pin(wait_list.wait(1)), Box::pin(wait_list.wait(1))];
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_none()));
        wait_list.released(false);
        let [first, mut second] = batches;
        drop(first);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[test]
    fn when_nothing_is_taken_any_more_everybody_is_told_also_who_has_not_looked_yet() {
        let wait_list = WaitList::new(1024);
        let mut batches = [Box::pin(wait_list.wait(1)), Box::pin(wait_list.wait(1))];
        assert!(batches[0].as_mut().now_or_never().is_none());
        wait_list.released(true);
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_some()));
        assert!(wait_list.wait(1).now_or_never().is_none(), "what was free before does not count");
    }

    #[test]
    fn of_many_places_some_are_told() {
        let wait_list = WaitList::new(1024);
        let mut batch = Box::pin(wait_list.wait(1));
        let told = (1..=1024).find(|_| {
            wait_list.released(false);
            batch.as_mut().now_or_never().is_some()
        });
        assert_eq!(told, Some(1024 / WAKES_PER_TURNOVER));
    }
}
