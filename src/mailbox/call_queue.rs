//! A mailbox: the bounded queue of the calls of one method, or of one group of methods.

use std::collections::VecDeque;
use std::fmt;

use crate::sync::Mutex;

use super::bell::Bell;
use super::mailbox_share::MailboxShare;

/// What a mailbox must know of the calls in it.
pub(crate) trait QueueItem: Clone {
    /// Whether the call can still be started: it has not started, and has not been answered,
    /// abandoned or expired.
    fn is_live(&self) -> bool;
}

/// The queue of one method or group. It lives on the callers' side, in an `Arc`, and outlives the
/// host.
///
/// Its bound is the number of its [`MailboxSlots`](super::quota::MailboxSlots): a call holds one
/// from admission until it starts or is given up. The inbox may also hold calls that have been
/// given up; they are removed when there are twice as many entries as slots, so that the inbox is
/// bounded too.
///
/// Two locks keep callers and host apart: callers only lock `inbox`, and the host works on
/// `claimed` and locks `inbox` once per burst. Whoever needs both locks `claimed` first.
pub(crate) struct Mailbox<C> {
    share: MailboxShare,
    /// Calls pushed since the host last claimed the inbox.
    inbox: Mutex<PushedCalls<C>>,
    /// Calls that the host has claimed and not started yet. Behind a lock because the mailbox may
    /// be closed from another thread.
    claimed: Mutex<VecDeque<C>>,
}

struct PushedCalls<C> {
    calls: VecDeque<C>,
    /// Some caller has pushed without waking the host, and wakes it later.
    wake_deferred: bool,
    closed: bool,
}

/// What a push found.
struct PushPosition {
    /// The inbox was empty.
    first: bool,
    /// Some call in it still waits for its deferred wake.
    wake_deferred: bool,
}

impl<C: QueueItem> Mailbox<C> {
    /// Creates an empty mailbox, which is closed until [`open`](Self::open) is called.
    pub(crate) fn new(share: MailboxShare) -> Self {
        let inbox = PushedCalls { calls: VecDeque::new(), wake_deferred: false, closed: true };
        Self { share, inbox: Mutex::new(inbox), claimed: Mutex::new(VecDeque::new()) }
    }

    /// Appends a call that holds a slot, and wakes the host if necessary.
    ///
    /// # Errors
    /// The call, if the mailbox is closed.
    pub(crate) fn push(&self, call: C, bell: &Bell) -> Result<(), C> {
        let PushPosition { first, wake_deferred } = self.append(call, false)?;
        // Only the caller that found the inbox empty rings: the host has not looked at it since, so
        // one ring serves the whole burst.
        if first || wake_deferred {
            bell.ring(self.share.index);
        }
        Ok(())
    }

    /// The same without waking the host: the caller must do that afterwards. Until then no other
    /// push depends on it.
    pub(crate) fn push_without_wake(&self, call: C, bell: &Bell) -> Result<(), C> {
        let PushPosition { first, wake_deferred } = self.append(call, true)?;
        // Also behind a call whose wake is deferred on another thread: none depends on another.
        if first || wake_deferred {
            bell.mark(self.share.index);
        }
        Ok(())
    }

    fn append(&self, call: C, wake_deferred: bool) -> Result<PushPosition, C> {
        let mut inbox = self.inbox.lock();
        if inbox.closed {
            return Err(call);
        }
        if inbox.calls.len() >= 2 * self.share.slots.capacity() {
            inbox.calls.retain(QueueItem::is_live);
        }
        let position = PushPosition { first: inbox.calls.is_empty(), wake_deferred: inbox.wake_deferred };
        inbox.wake_deferred = wake_deferred && (position.first || position.wake_deferred);
        inbox.calls.push_back(call);
        Ok(position)
    }

    /// For the host: returns the first call that can still be started.
    ///
    /// The call stays in the queue until the next look after it has started or ended. So a call
    /// that the gate refuses keeps its position, a close finds the call inside of which the host
    /// is, and a call that was given up is removed here.
    pub(crate) fn head(&self) -> Option<C> {
        let mut claimed = self.claimed.lock();
        loop {
            while let Some(head) = claimed.front() {
                if head.is_live() {
                    return Some(head.clone());
                }
                claimed.pop_front();
            }
            let mut inbox = self.inbox.lock();
            if inbox.calls.is_empty() {
                return None;
            }
            // Swap and not append: the callers go on with the empty buffer, and no call is moved.
            std::mem::swap(&mut *claimed, &mut inbox.calls);
            inbox.wake_deferred = false;
        }
    }

    /// Returns the number of calls in the queue, including those that were given up and not removed
    /// yet.
    pub(crate) fn len(&self) -> usize {
        self.claimed.lock().len() + self.inbox.lock().calls.len()
    }

    /// Opens the mailbox for calls.
    pub(crate) fn open(&self) {
        self.inbox.lock().closed = false;
    }

    /// Closes the mailbox, and returns the calls that wait in it.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut claimed = self.claimed.lock();
        let mut inbox = self.inbox.lock();
        inbox.closed = true;
        let mut calls = std::mem::take(&mut *claimed);
        calls.append(&mut inbox.calls);
        calls
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("share", &self.share).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::super::bell::tests::CountWakes;
    use super::super::quota::{MailboxSlots, Quota};
    use super::*;
    use crate::property_tests::{CASES, check, list};
    use crate::sync::Arc;

    #[derive(Clone)]
    struct Item(u32, Rc<Cell<bool>>);

    impl QueueItem for Item {
        fn is_live(&self) -> bool {
            self.1.get()
        }
    }

    fn item(number: u32) -> Item {
        Item(number, Rc::new(Cell::new(true)))
    }

    fn mailbox(capacity: usize) -> (Mailbox<Item>, Arc<Bell>) {
        let bell = Arc::new(Bell::new(1));
        let slots = MailboxSlots::new(capacity, Quota::new(4096, 1, Arc::clone(&bell)));
        (Mailbox::new(MailboxShare::new(0, slots, 1)), bell)
    }

    fn start(mailbox: &Mailbox<Item>) -> Option<u32> {
        let item = mailbox.head()?;
        item.1.set(false);
        Some(item.0)
    }

    fn head(mailbox: &Mailbox<Item>) -> Option<u32> {
        mailbox.head().map(|item| item.0)
    }

    #[test]
    fn calls_leave_in_order_of_arrival_and_abandoned_ones_are_skipped() {
        let (mailbox, bell) = mailbox(8);
        mailbox.open();
        let second = item(2);
        for item in [item(1), second.clone(), item(3)] {
            assert!(mailbox.push(item, &bell).is_ok());
        }
        second.1.set(false);
        assert_eq!(head(&mailbox), Some(1));
        assert_eq!([start(&mailbox), start(&mailbox), start(&mailbox)], [Some(1), Some(3), None]);
    }

    #[test]
    fn claimed_calls_come_before_later_ones_and_a_close_returns_both() {
        let (mailbox, bell) = mailbox(8);
        mailbox.open();
        let push = |number| assert!(mailbox.push(item(number), &bell).is_ok());
        push(1);
        push(2);
        assert_eq!(start(&mailbox), Some(1));
        push(3);
        assert_eq!(head(&mailbox), Some(2), "it could not start, and keeps its place");
        let left: Vec<_> = mailbox.close().into_iter().filter(QueueItem::is_live).map(|item| item.0).collect();
        assert_eq!(left, [2, 3]);
    }

    #[test]
    fn a_closed_mailbox_returns_its_calls_and_accepts_none_until_it_is_opened() {
        let (mailbox, bell) = mailbox(8);
        assert!(mailbox.push(item(0), &bell).is_err(), "closed at first");
        mailbox.open();
        assert!(mailbox.push(item(1), &bell).is_ok());
        assert_eq!(mailbox.close().len(), 1);
        assert!(mailbox.push(item(2), &bell).is_err());
        mailbox.open();
        assert!(mailbox.push(item(3), &bell).is_ok());
    }

    #[test]
    fn a_push_behind_a_deferred_one_wakes_the_host_for_both() {
        for heard in [false, true] {
            let (mailbox, bell) = mailbox(8);
            mailbox.open();
            let wakes = CountWakes::parked(&bell);
            let wake_deferred = |number| assert!(mailbox.push_without_wake(item(number), &bell).is_ok());
            wake_deferred(1);
            wake_deferred(2);
            assert!(bell.has_rung() && wakes.count() == 0, "the host sleeps on, and would see it");
            if heard {
                assert!(mailbox.push(item(3), &bell).is_ok());
            } else {
                bell.wake();
            }
            assert_eq!(wakes.count(), 1);
            assert_eq!([start(&mailbox), start(&mailbox)], [Some(1), Some(2)]);
            bell.take(|_| {});
            while start(&mailbox).is_some() {}
            let wakes = CountWakes::parked(&bell);
            assert!(mailbox.push(item(4), &bell).is_ok() && mailbox.push(item(5), &bell).is_ok());
            assert_eq!(wakes.count(), 1, "nothing is left of it");
        }
    }

    #[test]
    fn abandoned_calls_do_not_pile_up_while_the_host_is_busy() {
        let (mailbox, bell) = mailbox(4);
        mailbox.open();
        for number in 0..1000 {
            let item = item(number);
            assert!(mailbox.push(item.clone(), &bell).is_ok());
            item.1.set(false);
        }
        assert!(mailbox.len() <= 8, "{}", mailbox.len());
        assert!(mailbox.push(item(0), &bell).is_ok() && mailbox.head().is_some(), "the host has claimed the rest");
        for number in 0..1000 {
            let item = item(number);
            assert!(mailbox.push(item.clone(), &bell).is_ok());
            item.1.set(false);
        }
        assert!(mailbox.len() <= 16, "{}", mailbox.len());
    }

    /// Beside a plain queue that forgets what was given up at once.
    #[test]
    fn a_mailbox_is_a_queue_of_what_is_alive() {
        check(CASES, |u| {
            let steps = list(u, 1, 299, |u| Ok((u.int_in_range(0..=3u8)?, u.int_in_range(0..=7usize)?)))?;
            let (mailbox, bell) = mailbox(4);
            mailbox.open();
            let (mut model, mut open, mut number) = (VecDeque::<Item>::new(), true, 0);
            for (step, pick) in steps {
                match step {
                    0 => {
                        number += 1;
                        let item = item(number);
                        assert_eq!(mailbox.push(item.clone(), &bell).is_ok(), open);
                        if open {
                            model.push_back(item);
                        }
                    }
                    1 => assert_eq!(start(&mailbox), model.pop_front().map(|item| item.0)),
                    2 if pick < model.len() => {
                        let gone = model.remove(pick).unwrap();
                        gone.1.set(false);
                    }
                    3 if pick == 0 => {
                        open = !open;
                        if open {
                            mailbox.open();
                        } else {
                            let live = mailbox.close().into_iter().filter(QueueItem::is_live);
                            assert!(live.map(|item| item.0).eq(model.drain(..).map(|item| item.0)));
                        }
                    }
                    _ => {}
                }
                assert_eq!(head(&mailbox), model.front().map(|item| item.0));
            }
            Ok(())
        });
    }
}
