//! The bell: no wake is lost, whoever rings while the host is about to park.

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use crate::check;
use crate::mailbox::bell::Bell;
use crate::mailbox::call_queue::{Mailbox, QueueItem};
use crate::mailbox::mailbox_share::MailboxShare;
use crate::mailbox::quota::{MailboxSlots, Quota};
use crate::sync::{Arc, AtomicBool, Ordering};

/// An item that is live until it is taken.
#[derive(Clone)]
pub(crate) struct Item(Arc<AtomicBool>);

impl Item {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Whether this was the first to take it.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl QueueItem for Item {
    fn is_live(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A host that only takes calls: parks until `expected` calls have come.
pub(crate) fn take_all(bell: &Bell, mailboxes: &[Mailbox<Item>], expected: usize) {
    let mut taken = 0;
    let mut active = vec![false; mailboxes.len()];
    block_on(poll_fn(|cx| {
        bell.register(cx.waker());
        loop {
            bell.take(|index| active[index] = true);
            for (index, mailbox) in mailboxes.iter().enumerate().filter(|(index, _)| active[*index]) {
                let _ = index;
                while let Some(item) = mailbox.head() {
                    assert!(item.take(), "a call is taken once");
                    taken += 1;
                }
            }
            active.fill(false);
            if taken == expected {
                return Poll::Ready(());
            }
            if bell.arm() {
                return Poll::Pending;
            }
        }
    }));
}

fn mailboxes(count: usize) -> Vec<Mailbox<Item>> {
    let quota = Quota::new(8, 100, Arc::new(Bell::new(1)));
    let slots = || MailboxSlots::new(8, Arc::clone(&quota));
    let mailboxes: Vec<_> = (0..count).map(|index| Mailbox::new(MailboxShare::new(index, slots(), 1))).collect();
    mailboxes.iter().for_each(Mailbox::open);
    mailboxes
}

/// Two callers push into one mailbox while the host parks.
pub fn two_pushes_into_one_mailbox_are_both_seen() {
    check(|| {
        let shared = Arc::new((Bell::new(1), mailboxes(1)));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || assert!(shared.1[0].push(Item::new(), &shared.0).is_ok()))
            })
            .collect();
        take_all(&shared.0, &shared.1, 2);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
    });
}

/// Two callers push with a deferred wake, and wake the host while it parks.
pub fn deferred_pushes_are_seen_when_their_callers_wake_the_host() {
    check(|| {
        let shared = Arc::new((Bell::new(1), mailboxes(1)));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    assert!(shared.1[0].push_without_wake(Item::new(), &shared.0).is_ok());
                    shared.0.wake();
                })
            })
            .collect();
        take_all(&shared.0, &shared.1, 2);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
    });
}

/// A caller that never gets to wake the host does not delay a push behind its own.
pub fn a_push_behind_a_deferred_one_wakes_the_host() {
    check(|| {
        let shared = Arc::new((Bell::new(1), mailboxes(1)));
        let other = Arc::clone(&shared);
        let pusher = thread::spawn(move || {
            assert!(other.1[0].push_without_wake(Item::new(), &other.0).is_ok());
            assert!(other.1[0].push(Item::new(), &other.0).is_ok());
        });
        take_all(&shared.0, &shared.1, 2);
        pusher.join().unwrap();
    });
}

/// Two callers push into two mailboxes while the host parks.
pub fn pushes_into_two_mailboxes_are_both_seen() {
    check(|| {
        let shared = Arc::new((Bell::new(2), mailboxes(2)));
        let other = Arc::clone(&shared);
        let pusher = thread::spawn(move || {
            assert!(other.1[0].push(Item::new(), &other.0).is_ok());
            assert!(other.1[1].push(Item::new(), &other.0).is_ok());
        });
        take_all(&shared.0, &shared.1, 2);
        pusher.join().unwrap();
    });
}

/// A nudge wakes a host that parks.
pub fn a_nudge_is_not_lost() {
    check(|| {
        let shared = Arc::new((Bell::new(1), AtomicBool::new(false)));
        let other = Arc::clone(&shared);
        let nudger = thread::spawn(move || {
            other.1.store(true, Ordering::Relaxed);
            other.0.nudge();
        });
        block_on(poll_fn(|cx| {
            shared.0.register(cx.waker());
            loop {
                shared.0.take(|_| {});
                if shared.1.load(Ordering::Relaxed) {
                    return Poll::Ready(());
                }
                if shared.0.arm() {
                    return Poll::Pending;
                }
            }
        }));
        nudger.join().unwrap();
    });
}
