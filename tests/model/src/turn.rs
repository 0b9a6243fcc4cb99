//! The turn: host and worker never hold the state together unless both read, and neither waits
//! forever.

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use crate::bell::Item;
use crate::check;
use crate::lock::TryLock;
use crate::mailbox::bell::Bell;
use crate::mailbox::call_queue::Mailbox;
use crate::mailbox::mailbox_share::MailboxShare;
use crate::mailbox::quota::{MailboxSlots, Permit, Quota};
use crate::sync::{Arc, AtomicBool, Ordering};

struct Service {
    bell: Arc<Bell>,
    mailbox: Mailbox<Item>,
    slots: Arc<MailboxSlots>,
    quota: Arc<Quota>,
    state: TryLock,
    /// A call was pushed and has not run yet.
    queued: AtomicBool,
}

impl Service {
    fn new() -> Arc<Self> {
        let bell = Arc::new(Bell::new(1));
        let quota = Quota::new(4, 100, Arc::clone(&bell));
        let slots = MailboxSlots::new(4, Arc::clone(&quota));
        let mailbox = Mailbox::new(MailboxShare::new(0, Arc::clone(&slots), 1));
        mailbox.open();
        Arc::new(Self { bell, mailbox, slots, quota, state: TryLock::new(), queued: AtomicBool::new(false) })
    }

    /// The same steps as in `begin`, `Call::new` and `Mailboxes::push`.
    fn push(&self) {
        let bytes = self.slots.try_acquire(1).map(Permit::hand_over);
        assert_eq!(bytes.ok(), Some(1), "there is room");
        self.queued.store(true, Ordering::Release);
        assert!(self.mailbox.push(Item::new(), &self.bell).is_ok());
    }

    /// The same steps as in `inline::run_now`. Returns whether it ran.
    fn write_inline(&self) -> bool {
        if self.quota.anyone_waits() || !self.state.try_write() {
            return false;
        }
        let alone = !self.quota.anyone_waits();
        if alone {
            self.state.write();
        }
        self.state.release_write();
        self.bell.released();
        alone
    }

    fn read_inline(&self) -> bool {
        if self.quota.anyone_waits() || !self.state.try_read() {
            return false;
        }
        let alone = !self.quota.anyone_waits();
        if alone {
            self.state.read();
        }
        self.state.release_read();
        self.bell.released();
        alone
    }

    /// The same steps as in the scheduler: runs one call, alone with the state.
    fn host_one_writer(&self) {
        let (mut active, mut wanted) = (false, false);
        block_on(poll_fn(|cx| {
            self.bell.register(cx.waker());
            loop {
                self.bell.take(|_| active = true);
                if active
                    && let Some(item) = self.mailbox.head()
                    && self.state.try_write()
                {
                    assert!(item.take());
                    self.slots.free_on_host(1);
                    self.state.write();
                    self.queued.store(false, Ordering::Release);
                    self.state.release_write();
                    return Poll::Ready(());
                }
                if active && !wanted {
                    self.bell.want();
                    wanted = true;
                    continue;
                }
                if self.bell.arm() {
                    return Poll::Pending;
                }
                wanted = false;
            }
        }));
    }
}

fn host_beside(inline: fn(&Service) -> bool) {
    check(move || {
        let service = Service::new();
        let (caller, worker) = (Arc::clone(&service), Arc::clone(&service));
        let caller = thread::spawn(move || caller.push());
        let worker = thread::spawn(move || inline(&worker));
        service.host_one_writer();
        caller.join().unwrap();
        worker.join().unwrap();
    });
}

/// A call begins to wait while another runs inline, and the host gets its turn.
pub fn the_host_gets_its_turn_after_an_inline_writer() {
    host_beside(Service::write_inline);
}

/// The same beside an inline reader.
pub fn the_host_gets_its_turn_after_an_inline_reader() {
    host_beside(Service::read_inline);
}

/// A call that was pushed before another one began is never overtaken inline.
pub fn an_inline_call_never_overtakes_one_that_waits() {
    check(|| {
        let service = Service::new();
        let worker = Arc::clone(&service);
        let pushed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&pushed);
        let worker = thread::spawn(move || {
            let before = seen.load(Ordering::Acquire);
            let ran = worker.write_inline();
            assert!(!(before && ran), "it ran before a call that waits");
        });
        service.push();
        pushed.store(true, Ordering::Release);
        worker.join().unwrap();
    });
}

/// An inline writer is alone, also beside inline readers.
pub fn inline_writers_are_alone() {
    check(|| {
        let service = Service::new();
        let (a, b) = (Arc::clone(&service), Arc::clone(&service));
        let (a, b) = (thread::spawn(move || a.write_inline()), thread::spawn(move || b.read_inline()));
        service.read_inline();
        a.join().unwrap();
        b.join().unwrap();
    });
}
