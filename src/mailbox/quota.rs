//! Admission: how many calls, and how many bytes of parameters, a mailbox and a service hold at once.

use std::fmt;

use crate::sync::{Arc, AtomicUsize, Ordering, in_order};

use super::bell::Bell;
use super::limit::Limit;
use super::line::Line;

/// What all mailboxes of one service hold together.
#[derive(Debug)]
pub(crate) struct Quota {
    calls: Limit,
    bytes: Limit,
    /// Batches that wait for room, in one of these lines or in that of a mailbox: whoever frees a place looks whether there
    /// are any.
    batches: AtomicUsize,
    calls_line: Line,
    bytes_line: Line,
    /// Told of each place that comes free while the host does not look: it may wait for the end of a call that it was never
    /// given.
    bell: Arc<Bell>,
}

/// Maximum number of calls, and of bytes of their parameters, in the mailboxes of one service.
pub(crate) const SERVICE_CALLS: usize = 4096;
pub(crate) const SERVICE_BYTES: usize = 16 << 20;

impl Quota {
    pub(crate) fn new(calls: usize, bytes: usize, bell: Arc<Bell>) -> Arc<Self> {
        let (calls, bytes) = (Limit::new(calls), Limit::new(bytes));
        // One is told of each place: a call with fewer bytes may fit where the first did not.
        let (calls_line, bytes_line) = (Line::new(1), Line::new(1));
        Arc::new(Self { calls, bytes, batches: AtomicUsize::new(0), calls_line, bytes_line, bell })
    }

    /// Calls that wait in all mailboxes, those with a permit that are about to be put there among them.
    pub(crate) fn calls(&self) -> usize {
        self.calls.used()
    }

    /// Whether any call waits: then none runs inline.
    #[inline]
    pub(crate) fn anyone_waits(&self) -> bool {
        self.calls.used() != 0
    }
}

/// A batch that is to be told of room. It looks for room after this was made, and whoever makes room looks for such batches
/// after that: at least one sees the other.
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

/// The places of one mailbox, each of which is one of its service's as well.
#[derive(Debug)]
pub(crate) struct Places {
    own: Limit,
    line: Line,
    service: Arc<Quota>,
}

impl Places {
    pub(crate) fn new(most: usize, service: Arc<Quota>) -> Arc<Self> {
        Arc::new(Self { own: Limit::new(most), line: Line::new(most), service })
    }

    /// Calls that wait in the mailbox, or are about to be put there.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        self.own.used()
    }

    /// As many or fewer are [`used`](Self::used), told without looking at what the host writes.
    #[inline]
    pub(crate) fn used_at_most(&self) -> usize {
        self.own.used_at_most()
    }

    pub(crate) fn most(&self) -> usize {
        self.own.most()
    }

    /// Members of batches that wait for a place in the mailbox.
    pub(crate) fn in_line(&self) -> usize {
        self.line.members()
    }

    /// Completes when it is worth for a batch, so many members of which wait, to look for room that came free after this
    /// call, where it was `full`.
    pub(crate) fn room(&self, full: Full, members: usize) -> impl Future<Output = ()> + '_ {
        let waits = WaitsForRoom::new(&self.service);
        let room = match full {
            Full::Mailbox => &self.line,
            Full::Service => &self.service.calls_line,
            Full::Bytes => &self.service.bytes_line,
        };
        let room = room.wait(members);
        async move {
            let _waits = waits;
            room.await;
        }
    }

    /// A place for a call with this many bytes of parameters; or what is full.
    #[inline]
    pub(crate) fn take(&self, bytes: usize) -> Result<Permit<'_>, Full> {
        if !self.own.take(1) {
            return Err(Full::Mailbox);
        }
        if !self.service.calls.take(1) {
            self.own.give_back(1);
            self.given_back(&[Full::Mailbox]);
            return Err(Full::Service);
        }
        if bytes > 0 && !self.service.bytes.take(bytes) {
            self.own.give_back(1);
            self.service.calls.give_back(1);
            self.given_back(&[Full::Mailbox, Full::Service]);
            return Err(Full::Bytes);
        }
        Ok(Permit { places: self, bytes })
    }

    /// Frees the place of a call that waits no more.
    pub(crate) fn free(&self, bytes: usize) {
        self.free_on_host(bytes);
        self.service.bell.released();
    }

    /// The same for the host, which need not be told what it does itself.
    #[inline]
    pub(crate) fn free_on_host(&self, bytes: usize) {
        if bytes > 0 {
            self.service.bytes.give_back(bytes);
        }
        self.service.calls.give_back(1);
        self.own.give_back(1);
        self.given_back(&[Full::Mailbox, Full::Service, Full::Bytes][..if bytes > 0 { 3 } else { 2 }]);
    }

    /// So much was given back: batches may wait for it. A try that failed gives back what it had for a moment, and tells of
    /// nothing else: a batch that tries in vain would tell itself, over and over.
    #[inline]
    fn given_back(&self, what: &[Full]) {
        in_order();
        if self.service.batches.load(Ordering::SeqCst) != 0 {
            what.iter().for_each(|what| self.tell_batches(*what));
        }
    }

    fn tell_batches(&self, what: Full) {
        let Quota { calls, bytes, calls_line, bytes_line, .. } = &*self.service;
        match what {
            Full::Mailbox => self.line.freed(self.own.used() == 0),
            Full::Service => calls_line.freed(calls.used() == 0),
            Full::Bytes => bytes_line.freed(bytes.used() == 0),
        }
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

/// The right to put one call into a mailbox: a place in it and in its service. Given back when dropped.
#[must_use = "the place is given back when this is dropped"]
pub(crate) struct Permit<'a> {
    places: &'a Places,
    bytes: usize,
}

impl Permit<'_> {
    /// Hands the place over to a call, which has to [`free`](Places::free) it, with so many bytes, when it waits no more.
    #[inline]
    pub(crate) fn hand_over(self) -> usize {
        let bytes = self.bytes;
        std::mem::forget(self);
        bytes
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.places.free(self.bytes);
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
        let (a, b) = (Places::new(2, Arc::clone(&quota)), Places::new(2, Arc::clone(&quota)));
        let first = a.take(10).unwrap();
        let _second = a.take(10).unwrap();
        assert_eq!(a.take(10).unwrap_err(), Full::Mailbox);
        let _third = b.take(10).unwrap();
        assert_eq!(b.take(10).unwrap_err(), Full::Service);
        assert_eq!((a.used(), b.used(), quota.calls()), (2, 1, 3), "a refusal takes nothing");
        drop(first);
        assert_eq!(b.take(90).unwrap_err(), Full::Bytes);
        assert_eq!((a.used(), b.used(), quota.calls()), (1, 1, 2));
        assert!(b.take(80).is_ok());
    }

    #[test]
    fn a_place_that_was_handed_over_is_taken_until_it_is_freed() {
        let quota = quota(3, 100);
        let places = Places::new(1, Arc::clone(&quota));
        let bytes = places.take(7).unwrap().hand_over();
        assert!(quota.anyone_waits() && places.take(0).is_err());
        places.free(bytes);
        assert!(!quota.anyone_waits());
        drop(places.take(100).unwrap());
    }

    #[test]
    fn a_batch_learns_of_each_place_that_comes_free_after_it_asked() {
        let quota = quota(3, 100);
        let places = Places::new(1, Arc::clone(&quota));
        let permit = places.take(0).unwrap();
        let mut room = Box::pin(places.room(Full::Mailbox, 1));
        assert!(room.as_mut().now_or_never().is_none());
        assert_eq!(places.in_line(), 1);
        drop(permit);
        assert!(room.as_mut().now_or_never().is_some());
        drop(room);
        assert_eq!(places.in_line(), 0);
        assert!(places.room(Full::Mailbox, 1).now_or_never().is_none(), "what was free before does not count");
        assert_eq!(quota.batches.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_batch_whose_parameters_do_not_fit_is_told_of_bytes_and_not_of_its_own_tries() {
        let quota = quota(3, 100);
        let places = Places::new(3, quota);
        let _small = places.take(10).unwrap();
        let large = places.take(60).unwrap();
        let mut room = Box::pin(places.room(Full::Bytes, 1));
        assert_eq!(places.take(50).unwrap_err(), Full::Bytes);
        assert!(room.as_mut().now_or_never().is_none());
        drop(places.take(0).unwrap());
        assert!(room.as_mut().now_or_never().is_none(), "no bytes came free");
        drop(large);
        assert!(room.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_batch_for_which_the_service_is_full_learns_of_room_in_any_mailbox() {
        let quota = quota(1, 100);
        let (its_own, other) = (Places::new(1, Arc::clone(&quota)), Places::new(1, Arc::clone(&quota)));
        let permit = other.take(0).unwrap();
        let mut room = Box::pin(its_own.room(Full::Service, 1));
        let mut of_mailbox = Box::pin(its_own.room(Full::Mailbox, 1));
        assert_eq!(its_own.take(0).unwrap_err(), Full::Service);
        assert!(room.as_mut().now_or_never().is_none());
        assert!(
            of_mailbox.as_mut().now_or_never().is_some(),
            "it may have met the place that the try had for a moment"
        );
        assert!(room.as_mut().now_or_never().is_none(), "and that was no room in the service");
        drop(permit);
        assert!(room.as_mut().now_or_never().is_some());
    }
}
