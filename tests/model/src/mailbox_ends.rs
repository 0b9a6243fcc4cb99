//! Closing a mailbox, and the slots that bound it.

use loom::future::block_on;
use loom::thread;

use crate::bell::Item;
use crate::check;
use crate::mailbox::bell::Bell;
use crate::mailbox::call_queue::Mailbox;
use crate::mailbox::mailbox_share::MailboxShare;
use crate::mailbox::quota::{LimitReached, MailboxSlots, Permit, Quota};
use crate::sync::Arc;

/// A call that is pushed while the mailbox closes is returned to its caller or by the close: to
/// exactly one of them.
pub fn a_push_racing_with_a_close_is_not_lost() {
    check(|| {
        let slots = MailboxSlots::new(4, Quota::new(4, 100, Arc::new(Bell::new(1))));
        let shared = Arc::new((Bell::new(1), Mailbox::new(MailboxShare::new(0, slots, 1))));
        shared.1.open();
        let other = Arc::clone(&shared);
        let pusher = thread::spawn(move || {
            let refused: usize = (0..2).map(|_| usize::from(other.1.push(Item::new(), &other.0).is_err())).sum();
            refused
        });
        let handed_over = shared.1.close().len();
        let refused = pusher.join().unwrap();
        assert_eq!(handed_over + refused + shared.1.close().len(), 2);
        assert_eq!(shared.1.len(), 0, "nothing is left behind");
        assert!(shared.1.push(Item::new(), &shared.0).is_err(), "it stays closed");
    });
}

/// The host has claimed the calls and looks at the first while another thread closes the mailbox:
/// the host starts the call or the close returns it, and no call is lost.
pub fn a_start_racing_with_a_close_is_not_lost() {
    check(|| {
        let slots = MailboxSlots::new(4, Quota::new(4, 100, Arc::new(Bell::new(1))));
        let shared = Arc::new((Bell::new(1), Mailbox::new(MailboxShare::new(0, slots, 1))));
        shared.1.open();
        (0..2).for_each(|_| assert!(shared.1.push(Item::new(), &shared.0).is_ok()));
        let other = Arc::clone(&shared);
        let host = thread::spawn(move || usize::from(other.1.head().is_some_and(|item| item.take())));
        let handed_over = shared.1.close().iter().filter(|item| item.take()).count();
        assert_eq!(host.join().unwrap() + handed_over, 2);
        assert!(shared.1.head().is_none(), "nothing is left behind");
    });
}

/// Two callers for one slot: one gets it, and the slot is released again.
pub fn a_slot_is_never_acquired_twice() {
    check(|| {
        let quota = Quota::new(1, 100, Arc::new(Bell::new(1)));
        let slots = MailboxSlots::new(1, Arc::clone(&quota));
        let others = Arc::clone(&slots);
        let other = thread::spawn(move || others.try_acquire(10).ok().map(Permit::hand_over));
        let mine = slots.try_acquire(10).ok().map(Permit::hand_over);
        let theirs = other.join().unwrap();
        assert!(mine.is_none() || theirs.is_none());
        assert_eq!(slots.used(), usize::from(mine.is_some()) + usize::from(theirs.is_some()));
        [mine, theirs].into_iter().flatten().for_each(|bytes| slots.free(bytes));
        assert_eq!((slots.used(), quota.calls()), (0, 0));
        assert!(slots.try_acquire(100).is_ok());
    });
}

/// A batch finds the only slot in use while it is released: in the end it finds it free, or is
/// woken.
pub fn a_batch_that_waits_for_a_slot_gets_it() {
    check(|| {
        let slots = MailboxSlots::new(1, Quota::new(1, 100, Arc::new(Bell::new(1))));
        let bytes = slots.try_acquire(0).expect("it is free").hand_over();
        let host = Arc::clone(&slots);
        let host = thread::spawn(move || host.free_on_host(bytes));
        let mut room = None;
        while slots.try_acquire(0).is_err() {
            match room.take() {
                Some(room) => block_on(room),
                None => room = Some(Box::pin(slots.room(LimitReached::Mailbox, 1))),
            }
        }
        drop(room);
        host.join().unwrap();
    });
}
