//! Admission: how many calls, and how many bytes of parameters, a mailbox and a service hold at once.

use std::fmt;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::sync::{Arc, AtomicUsize, Ordering};

use super::bell::Bell;

/// A count with a limit that is never passed, not even for a moment.
#[derive(Debug)]
pub(crate) struct Limit {
    used: AtomicUsize,
    most: usize,
}

impl Limit {
    pub(crate) fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    pub(crate) fn take(&self, amount: usize) -> bool {
        let fits = |used: usize| used.checked_add(amount).filter(|sum| *sum <= self.most);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits).is_ok()
    }

    pub(crate) fn give_back(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::AcqRel);
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

/// What all mailboxes of one service hold together.
#[derive(Debug)]
pub(crate) struct Quota {
    calls: Limit,
    bytes: Limit,
    /// Calls in the mailboxes that have not started: while there are any, no call runs inline.
    waiting: AtomicUsize,
    /// Batches that wait for room.
    room: Notify,
    /// Told of each slot that comes free: the host may wait for the end of a call that it was never given.
    bell: Arc<Bell>,
}

/// Calls and bytes that one service may hold: DESIGN §5.
pub(crate) const SERVICE_CALLS: usize = 4096;
pub(crate) const SERVICE_BYTES: usize = 16 << 20;

impl Quota {
    pub(crate) fn new(calls: usize, bytes: usize, bell: Arc<Bell>) -> Arc<Self> {
        Arc::new(Self {
            calls: Limit::new(calls),
            bytes: Limit::new(bytes),
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
            bell,
        })
    }

    /// Permits and waiting calls, in all mailboxes.
    pub(crate) fn calls(&self) -> usize {
        self.calls.used()
    }

    /// Whether any call waits in a mailbox.
    pub(crate) fn anyone_waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) != 0
    }

    /// Completes at the next slot that comes free after this call.
    pub(crate) fn room(&self) -> Notified<'_> {
        self.room.notified()
    }

    /// A slot in a mailbox that holds `mailbox`, for a call with this many bytes of parameters; or what is full.
    pub(crate) fn take(self: &Arc<Self>, mailbox: &Arc<Limit>, bytes: usize) -> Result<Slot, Full> {
        if !mailbox.take(1) {
            return Err(Full::Mailbox);
        }
        if !self.calls.take(1) {
            mailbox.give_back(1);
            return Err(Full::Service);
        }
        if !self.bytes.take(bytes) {
            mailbox.give_back(1);
            self.calls.give_back(1);
            return Err(Full::Bytes);
        }
        Ok(Slot { mailbox: Arc::clone(mailbox), service: Arc::clone(self), bytes, waits: false })
    }
}

/// What was full when a call was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Mailbox,
    Service,
    Bytes,
}

impl Full {
    /// In words, for the caller.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox full",
            Self::Service => "service full",
            Self::Bytes => "too many bytes of parameters waiting",
        }
    }
}

/// One place in a mailbox and in its service. Given back when dropped.
pub(crate) struct Slot {
    mailbox: Arc<Limit>,
    service: Arc<Quota>,
    bytes: usize,
    waits: bool,
}

impl Slot {
    /// From now on the slot's call counts as waiting. Before the call can be seen in its mailbox.
    pub(crate) fn starts_to_wait(&mut self) {
        self.waits = true;
        self.service.waiting.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.service.bytes.give_back(self.bytes);
        self.service.calls.give_back(1);
        self.mailbox.give_back(1);
        if self.waits {
            self.service.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        self.service.room.notify_waiters();
        self.service.bell.released();
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("bytes", &self.bytes).field("waits", &self.waits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_counts_in_the_mailbox_and_in_the_service_until_it_is_dropped() {
        let quota = Quota::new(3, 100, Arc::new(Bell::new(1)));
        let (a, b) = (Arc::new(Limit::new(2)), Arc::new(Limit::new(2)));
        let first = quota.take(&a, 10).unwrap();
        let _second = quota.take(&a, 10).unwrap();
        assert_eq!(quota.take(&a, 10).unwrap_err(), Full::Mailbox);
        let _third = quota.take(&b, 10).unwrap();
        assert_eq!(quota.take(&b, 10).unwrap_err(), Full::Service);
        assert_eq!((a.used(), b.used(), quota.calls()), (2, 1, 3), "a refusal takes nothing");
        drop(first);
        assert_eq!(quota.take(&b, 90).unwrap_err(), Full::Bytes);
        assert_eq!((a.used(), b.used(), quota.calls()), (1, 1, 2));
        assert!(quota.take(&b, 80).is_ok());
    }

    #[test]
    fn a_call_waits_from_its_push_until_its_slot_goes() {
        let quota = Quota::new(3, 100, Arc::new(Bell::new(1)));
        let mut slot = quota.take(&Arc::new(Limit::new(1)), 0).unwrap();
        assert!(!quota.anyone_waits(), "a permit is not a waiting call");
        slot.starts_to_wait();
        assert!(quota.anyone_waits());
        drop(slot);
        assert!(!quota.anyone_waits());
    }
}
