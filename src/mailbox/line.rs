//! The line before a mailbox, or a service, that is full: batches that wait for room for their
//! members.

use std::fmt;

use tokio::sync::Notify;

use crate::sync::{AtomicUsize, Ordering};

/// How many places come free before a batch is told, as a part of all: to wake one for each place
/// would take longer than most methods do, and a batch takes all places that it finds.
const PART: usize = 64;

/// Batches that found no room. They are told of room one after another, in the order in which they
/// came.
pub(super) struct Line {
    /// Members that wait, of all batches.
    members: AtomicUsize,
    /// Places that have come free since a batch was last told.
    freed: AtomicUsize,
    /// So many have to, before one is told.
    every: usize,
    room: Notify,
}

impl Line {
    /// The line before so many places.
    pub(super) fn new(places: usize) -> Self {
        let every = (places / PART).max(1);
        Self { members: AtomicUsize::new(0), freed: AtomicUsize::new(0), every, room: Notify::new() }
    }

    /// Members that wait.
    pub(super) fn members(&self) -> usize {
        self.members.load(Ordering::Relaxed)
    }

    /// Completes when it is worth to look for room that came free after this call. So many members
    /// count as waiting as long as the future does.
    pub(super) fn wait(&self, members: usize) -> impl Future<Output = ()> + '_ {
        let room = self.room.notified();
        async move {
            let _members = Members::add(&self.members, members);
            room.await;
        }
    }

    /// A place has come free while somebody waits, here or elsewhere. If it was the last that was
    /// taken, everybody is told: no other will come free, and none relies on another to take the
    /// room that there is.
    pub(super) fn freed(&self, was_last: bool) {
        if was_last {
            self.freed.store(0, Ordering::Relaxed);
            self.room.notify_waiters();
        } else if self.freed.fetch_add(1, Ordering::Relaxed) + 1 >= self.every {
            self.freed.store(0, Ordering::Relaxed);
            self.room.notify_one();
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("members", &self.members).finish_non_exhaustive()
    }
}

/// Members that are counted until this is dropped.
struct Members<'a> {
    count: &'a AtomicUsize,
    members: usize,
}

impl<'a> Members<'a> {
    fn add(count: &'a AtomicUsize, members: usize) -> Self {
        count.fetch_add(members, Ordering::Relaxed);
        Self { count, members }
    }
}

impl Drop for Members<'_> {
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
        let line = Line::new(1);
        let mut batches: Vec<_> = (1..4).map(|members| Box::pin(line.wait(members))).collect();
        let mut ready = || batches.iter_mut().map(|batch| batch.as_mut().now_or_never().is_some()).collect::<Vec<_>>();
        assert_eq!(ready(), [false; 3]);
        line.freed(false);
        assert_eq!(ready(), [true, false, false]);
        line.freed(false);
        drop(batches.remove(0));
        assert!(batches[0].as_mut().now_or_never().is_some() && batches[1].as_mut().now_or_never().is_none());
        assert_eq!(line.members(), 3, "those that are told wait no more");
    }

    #[test]
    fn a_batch_that_is_told_and_leaves_passes_it_on() {
        let line = Line::new(1);
        let mut batches = [Box::pin(line.wait(1)), Box::pin(line.wait(1))];
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_none()));
        line.freed(false);
        let [first, mut second] = batches;
        drop(first);
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[test]
    fn when_nothing_is_taken_any_more_everybody_is_told_also_who_has_not_looked_yet() {
        let line = Line::new(1024);
        let mut batches = [Box::pin(line.wait(1)), Box::pin(line.wait(1))];
        assert!(batches[0].as_mut().now_or_never().is_none());
        line.freed(true);
        assert!(batches.iter_mut().all(|batch| batch.as_mut().now_or_never().is_some()));
        assert!(line.wait(1).now_or_never().is_none(), "what was free before does not count");
    }

    #[test]
    fn of_many_places_some_are_told() {
        let line = Line::new(1024);
        let mut batch = Box::pin(line.wait(1));
        let told = (1..=1024).find(|_| {
            line.freed(false);
            batch.as_mut().now_or_never().is_some()
        });
        assert_eq!(told, Some(1024 / PART));
    }
}
