//! A mailbox: the bounded queue of the calls of one method, or of one group of methods.

use std::collections::VecDeque;
use std::fmt;

use crate::measure::Charge;
use crate::sync::{Arc, Mutex};

use super::bell::Bell;
use super::quota::MailboxSlots;
use super::shedding::Shedding;

/// What a mailbox must know of the calls in it.
pub(crate) trait QueueItem: Clone {
    /// Whether the call still wants to run: neither answered nor abandoned nor expired.
    fn is_live(&self) -> bool;
}

/// The queue of one method or group. Lives in an `Arc`, on the callers' side, and outlives the host.
///
/// What bounds it are its [`MailboxSlots`]: a call holds one from admission until it starts or is given up. The inbox may hold calls
/// that have been given up; they are claimed out at the latest when there are twice as many as the bound.
pub(crate) struct Mailbox<C> {
    index: usize,
    weight: u32,
    slots: Arc<MailboxSlots>,
    /// What callers have pushed since the host last took all of it.
    inbox: Mutex<Inbox<C>>,
    /// What the host has claimed and not started yet. It takes whatever the inbox holds at once, and so it waits for callers, and
    /// they for it, once in a burst. Behind a lock, and first in order, for whoever closes the mailbox from elsewhere.
    claimed: Mutex<VecDeque<C>>,
    charge: Arc<Charge>,
    shedding: Arc<Shedding>,
}

struct Inbox<C> {
    calls: VecDeque<C>,
    /// Somebody has position the first of them here and not woken the host, which he does later.
    wake_deferred: bool,
    closed: bool,
}

/// How a call was position into a mailbox.
struct PushPosition {
    /// Behind no other.
    first: bool,
    /// Behind one for which the host was not woken yet.
    wake_deferred: bool,
}

impl<C: QueueItem> Mailbox<C> {
    /// An empty mailbox, closed until [`open`](Self::open).
    pub(crate) fn new(index: usize, slots: Arc<MailboxSlots>, weight: u32) -> Self {
        Self {
            index,
            weight,
            slots,
            inbox: Mutex::new(Inbox { calls: VecDeque::new(), wake_deferred: false, closed: true }),
            claimed: Mutex::new(VecDeque::new()),
            charge: Arc::default(),
            shedding: Arc::new(Shedding::new()),
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn weight(&self) -> u32 {
        self.weight
    }

    pub(crate) fn slots(&self) -> &Arc<MailboxSlots> {
        &self.slots
    }

    /// Puts a call that has a place at the end; gives it back if the mailbox is closed.
    pub(crate) fn push(&self, call: C, bell: &Bell) -> Result<(), C> {
        let PushPosition { first, wake_deferred } = self.append(call, false)?;
        // Whoever found it empty under the lock has said so to nobody since: one inbox for a whole burst.
        if first || wake_deferred {
            bell.ring(self.index);
        }
        Ok(())
    }

    /// The same for one who lets the host sleep on and wakes it afterwards. Until then whoever else pushes does not rely on it.
    pub(crate) fn push_without_wake(&self, call: C, bell: &Bell) -> Result<(), C> {
        let PushPosition { first, wake_deferred } = self.append(call, true)?;
        // Also for another thread that has not come to it yet: none relies on another.
        if first || wake_deferred {
            bell.mark(self.index);
        }
        Ok(())
    }

    fn append(&self, call: C, wake_deferred: bool) -> Result<PushPosition, C> {
        let mut inbox = self.inbox.lock();
        if inbox.closed {
            return Err(call);
        }
        if inbox.calls.len() >= 2 * self.slots.capacity() {
            inbox.calls.retain(QueueItem::is_live);
        }
        let position = PushPosition { first: inbox.calls.is_empty(), wake_deferred: inbox.wake_deferred };
        inbox.wake_deferred = wake_deferred && (position.first || position.wake_deferred);
        inbox.calls.push_back(call);
        Ok(position)
    }

    /// For the host: the first call that is still to be started. It stays until it has been: a call that the gate refuses keeps
    /// its place, one that the host is inside of can be found, and one that has ended is claimed out at the next look.
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
            std::mem::swap(&mut *claimed, &mut inbox.calls);
            inbox.wake_deferred = false;
        }
    }

    /// How many calls are in it, those that have been given up among them.
    pub(crate) fn len(&self) -> usize {
        self.claimed.lock().len() + self.inbox.lock().calls.len()
    }

    /// Lets calls in.
    pub(crate) fn open(&self) {
        self.inbox.lock().closed = false;
    }

    /// Lets no more calls in, and hands over those that wait.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut claimed = self.claimed.lock();
        let mut inbox = self.inbox.lock();
        inbox.closed = true;
        let mut calls = std::mem::take(&mut *claimed);
        calls.append(&mut inbox.calls);
        calls
    }

    pub(crate) fn shedding(&self) -> &Arc<Shedding> {
        &self.shedding
    }

    /// Where time is noted that calls of this mailbox run beside the scheduler.
    pub(crate) fn charge(&self) -> &Arc<Charge> {
        &self.charge
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("index", &self.index).field("slots", &self.slots).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::super::bell::tests::CountWakes;
    use super::super::quota::Quota;
    use super::*;
    use crate::property_tests::{CASES, check, list};

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
        (Mailbox::new(0, slots, 1), bell)
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
    fn calls_leave_in_the_order_in_which_they_came_and_given_up_ones_not_at_all() {
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
    fn what_the_host_has_taken_goes_before_what_comes_later_and_a_close_hands_over_both() {
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
    fn a_closed_mailbox_gives_back_what_waits_and_takes_no_more_until_it_is_opened() {
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
    fn whoever_pushes_behind_an_unheard_call_and_is_heard_tells_of_both() {
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
    fn given_up_calls_do_not_pile_up_while_the_host_is_busy() {
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
