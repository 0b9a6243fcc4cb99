//! Quotas: how many calls, and how many bytes of parameters, a mailbox and a service hold at once.

use std::fmt;

use crate::sync::{Arc, AtomicUsize, Ordering, in_order};

use super::bell::Bell;
use super::bounded_counter::BoundedCounter;
use super::wait_list::WaitList;

/// The quota of one service: what all its mailboxes hold together.
#[derive(Debug)]
pub(crate) struct Quota {
    calls: BoundedCounter,
    bytes: BoundedCounter,
    /// Number of batches that wait for a slot, in a wait list of this quota or of a mailbox.
    /// Whoever releases a slot looks here first, so that a release costs one load while no batch
    /// waits.
    batches: AtomicUsize,
    calls_wait_list: WaitList,
    bytes_wait_list: WaitList,
    /// Notified of each slot that is released outside of the host, which may be waiting for that: a
    /// call that ended before it was started frees its slot without the host.
    bell: Arc<Bell>,
}

/// Maximum number of calls in the mailboxes of one service.
pub(crate) const SERVICE_CALLS: usize = 4096;
/// Maximum size of the parameters of all calls in the mailboxes of one service, in bytes.
pub(crate) const SERVICE_BYTES: usize = 16 << 20;

impl Quota {
    pub(crate) fn new(calls: usize, bytes: usize, bell: Arc<Bell>) -> Arc<Self> {
        let (calls, bytes) = (BoundedCounter::new(calls), BoundedCounter::new(bytes));
        // One batch is woken for each released slot: a call with fewer bytes may fit where the
        // first did not.
        let (calls_wait_list, bytes_wait_list) = (WaitList::new(1), WaitList::new(1));
        Arc::new(Self { calls, bytes, batches: AtomicUsize::new(0), calls_wait_list, bytes_wait_list, bell })
    }

    /// Returns the number of calls that wait in all mailboxes. A call counts from its permit on,
    /// before it is pushed.
    pub(crate) fn calls(&self) -> usize {
        self.calls.in_use()
    }

    /// Whether any call waits. Then no call runs inline, so that none overtakes a waiting one.
    #[inline]
    pub(crate) fn anyone_waits(&self) -> bool {
        self.calls.in_use() != 0
    }
}

/// Guard of a batch that waits for a slot.
///
/// The handshake: the batch counts itself here and then looks for a slot; whoever releases a slot
/// releases it and then looks at the count. These accesses are `SeqCst` and so have one total
/// order: at least one side sees the other, and no release is missed.
struct WaitsForRoom<'a>(&'a Quota);

impl<'a> WaitsForRoom<'a> {
    fn new(quota: &'a Quota) -> Self {
        quota.batches.fetch_add(1, Ordering::SeqCst);
        in_order();
        Self(quota)
    }
}

impl Drop for WaitsForRoom<'_> {
    fn drop(&mut self) {
        self.0.batches.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The slots of one mailbox. Each of them is a slot of its service as well.
#[derive(Debug)]
pub(crate) struct MailboxSlots {
    own: BoundedCounter,
    wait_list: WaitList,
    service: Arc<Quota>,
}

impl MailboxSlots {
    pub(crate) fn new(capacity: usize, service: Arc<Quota>) -> Arc<Self> {
        Arc::new(Self { own: BoundedCounter::new(capacity), wait_list: WaitList::new(capacity), service })
    }

    /// Returns the number of calls in the mailbox, those included that have a permit and are about
    /// to be pushed.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        self.own.in_use()
    }

    /// Returns an upper bound of [`used`](Self::used), without touching the cache line that the
    /// host writes.
    #[inline]
    pub(crate) fn used_at_most(&self) -> usize {
        self.own.in_use_at_most()
    }

    /// Returns the maximum number of calls in the mailbox.
    pub(crate) fn capacity(&self) -> usize {
        self.own.max()
    }

    /// Returns the number of batch members that wait for a slot in the mailbox.
    pub(crate) fn waiting_members(&self) -> usize {
        self.wait_list.members()
    }

    /// Completes when slots were released after this call and it is worth trying again, for a batch
    /// of which `members` wait. `full` is the limit that rejected them.
    pub(crate) fn room(&self, full: LimitReached, members: usize) -> impl Future<Output = ()> + '_ {
        let waits = WaitsForRoom::new(&self.service);
        let room = match full {
            LimitReached::Mailbox => &self.wait_list,
            LimitReached::Service => &self.service.calls_wait_list,
            LimitReached::Bytes => &self.service.bytes_wait_list,
        };
        let room = room.wait(members);
        async move {
            let _waits = waits;
            room.await;
        }
    }

    /// Acquires a slot for a call with this many bytes of parameters, in the mailbox and in the
    /// service.
    ///
    /// # Errors
    /// The limit that is reached. Nothing is held then.
    #[inline]
    pub(crate) fn try_acquire(&self, bytes: usize) -> Result<Permit<'_>, LimitReached> {
        if !self.own.try_acquire(1) {
            return Err(LimitReached::Mailbox);
        }
        if !self.service.calls.try_acquire(1) {
            self.own.release(1);
            self.notify_released(&[LimitReached::Mailbox]);
            return Err(LimitReached::Service);
        }
        if bytes > 0 && !self.service.bytes.try_acquire(bytes) {
            self.own.release(1);
            self.service.calls.release(1);
            self.notify_released(&[LimitReached::Mailbox, LimitReached::Service]);
            return Err(LimitReached::Bytes);
        }
        Ok(Permit { slots: self, bytes })
    }

    /// Frees the slot of a call that has left the mailbox.
    pub(crate) fn free(&self, bytes: usize) {
        self.free_on_host(bytes);
        self.service.bell.released();
    }

    /// The same on the host's own thread: the host need not be woken for what it does itself.
    #[inline]
    pub(crate) fn free_on_host(&self, bytes: usize) {
        if bytes > 0 {
            self.service.bytes.release(bytes);
        }
        self.service.calls.release(1);
        self.own.release(1);
        self.notify_released(
            &[LimitReached::Mailbox, LimitReached::Service, LimitReached::Bytes][..if bytes > 0 { 3 } else { 2 }],
        );
    }

    /// Wakes batches that wait for what was released. An attempt that failed releases what it held
    /// for a moment, and reports only that: a batch that tries in vain would otherwise wake itself,
    /// over and over.
    #[inline]
    fn notify_released(&self, what: &[LimitReached]) {
        in_order();
        if self.service.batches.load(Ordering::SeqCst) != 0 {
            what.iter().for_each(|what| self.wake_batches(*what));
        }
    }

    fn wake_batches(&self, what: LimitReached) {
        let Quota { calls, bytes, calls_wait_list, bytes_wait_list, .. } = &*self.service;
        match what {
            LimitReached::Mailbox => self.wait_list.released(self.own.in_use() == 0),
            LimitReached::Service => calls_wait_list.released(calls.in_use() == 0),
            LimitReached::Bytes => bytes_wait_list.released(bytes.in_use() == 0),
        }
    }
}

/// The limit that rejected a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitReached {
    Mailbox,
    Service,
    Bytes,
}

impl LimitReached {
    /// Returns the reason for the caller, in words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox full",
            Self::Service => "service full",
            Self::Bytes => "too many bytes of parameters waiting",
        }
    }
}

/// A permit to push one call into a mailbox: it holds a slot there and in the service, which are
/// released when the permit is dropped.
#[must_use = "the slot is released when this is dropped"]
pub(crate) struct Permit<'a> {
    slots: &'a MailboxSlots,
    bytes: usize,
}

impl Permit<'_> {
    /// Hands the slot over to a call, and returns its bytes. The call must
    /// [`free`](MailboxSlots::free) it with these bytes when it leaves the mailbox.
    #[inline]
    pub(crate) fn hand_over(self) -> usize {
        let bytes = self.bytes;
        std::mem::forget(self);
        bytes
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.slots.free(self.bytes);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn quota(calls: usize, bytes: usize) -> Arc<Quota> {
        Quota::new(calls, bytes, Arc::new(Bell::new(1)))
    }

    #[test]
    fn a_permit_counts_in_the_mailbox_and_in_the_service_until_it_is_dropped() {
        let quota = quota(3, 100);
        let (a, b) = (MailboxSlots::new(2, Arc::clone(&quota)), MailboxSlots::new(2, Arc::clone(&quota)));
        let first = a.try_acquire(10).unwrap();
        let _second = a.try_acquire(10).unwrap();
        assert_eq!(a.try_acquire(10).unwrap_err(), LimitReached::Mailbox);
        let _third = b.try_acquire(10).unwrap();
        assert_eq!(b.try_acquire(10).unwrap_err(), LimitReached::Service);
        assert_eq!((a.used(), b.used(), quota.calls()), (2, 1, 3), "a refusal takes nothing");
        drop(first);
        assert_eq!(b.try_acquire(90).unwrap_err(), LimitReached::Bytes);
        assert_eq!((a.used(), b.used(), quota.calls()), (1, 1, 2));
        assert!(b.try_acquire(80).is_ok());
    }

    #[test]
    fn a_slot_that_was_handed_over_is_in_use_until_it_is_freed() {
        let quota = quota(3, 100);
        let slots = MailboxSlots::new(1, Arc::clone(&quota));
        let bytes = slots.try_acquire(7).unwrap().hand_over();
        assert!(quota.anyone_waits() && slots.try_acquire(0).is_err());
        slots.free(bytes);
        assert!(!quota.anyone_waits());
        drop(slots.try_acquire(100).unwrap());
    }

    #[test]
    fn a_batch_is_woken_by_each_slot_released_after_it_began_to_wait() {
        let quota = quota(3, 100);
        let slots = MailboxSlots::new(1, Arc::clone(&quota));
        let permit = slots.try_acquire(0).unwrap();
        let mut room = Box::pin(slots.room(LimitReached::Mailbox, 1));
        assert!(room.as_mut().now_or_never().is_none());
        assert_eq!(slots.waiting_members(), 1);
        drop(permit);
        assert!(room.as_mut().now_or_never().is_some());
        drop(room);
        assert_eq!(slots.waiting_members(), 0);
        assert!(slots.room(LimitReached::Mailbox, 1).now_or_never().is_none(), "what was free before does not count");
        assert_eq!(quota.batches.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_batch_that_waits_for_bytes_is_woken_by_bytes_and_not_by_its_own_attempts() {
        let quota = quota(3, 100);
        let slots = MailboxSlots::new(3, quota);
        let _small = slots.try_acquire(10).unwrap();
        let large = slots.try_acquire(60).unwrap();
        let mut room = Box::pin(slots.room(LimitReached::Bytes, 1));
        assert_eq!(slots.try_acquire(50).unwrap_err(), LimitReached::Bytes);
        assert!(room.as_mut().now_or_never().is_none());
        drop(slots.try_acquire(0).unwrap());
        assert!(room.as_mut().now_or_never().is_none(), "no bytes came free");
        drop(large);
        assert!(room.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_batch_that_waits_for_its_service_is_woken_by_a_release_in_any_mailbox() {
        let quota = quota(1, 100);
        let (its_own, other) = (MailboxSlots::new(1, Arc::clone(&quota)), MailboxSlots::new(1, Arc::clone(&quota)));
        let permit = other.try_acquire(0).unwrap();
        let mut room = Box::pin(its_own.room(LimitReached::Service, 1));
        let mut of_mailbox = Box::pin(its_own.room(LimitReached::Mailbox, 1));
        assert_eq!(its_own.try_acquire(0).unwrap_err(), LimitReached::Service);
        assert!(room.as_mut().now_or_never().is_none());
        assert!(
            of_mailbox.as_mut().now_or_never().is_some(),
            "it may have met the slot that the attempt held for a moment"
        );
        assert!(room.as_mut().now_or_never().is_none(), "and that was no room in the service");
        drop(permit);
        assert!(room.as_mut().now_or_never().is_some());
    }
}
