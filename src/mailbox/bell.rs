//! The bell: tells the host that calls have arrived, with one wake for a whole burst.

use std::task::Waker;

use crate::sync::{AtomicBool, AtomicU64, AtomicWaker, Ordering, fence};

/// One ready bit per mailbox, and the host's waker behind a flag that says whether a wake is
/// needed. While the host is awake, a ring costs a `fetch_or`, a fence and a load: no system call.
///
/// The handshake against lost wakes: a caller sets a bit and then looks at `armed`; the host sets
/// `armed` and then looks at the bits. With a `SeqCst` fence between the two steps on both sides at
/// least one of them sees the other. Either the caller sees `armed` and wakes the host, or the host
/// sees the bit and does not park.
///
/// The flags are written by swaps only: a plain store beside a swap is harder to reason about, and
/// loom cannot tell it from a lost wake.
#[derive(Debug)]
pub(crate) struct Bell {
    /// One bit per mailbox, 64 to a word.
    ready: Box<[AtomicU64]>,
    /// Set by [`nudge`](Self::nudge): something other than a mailbox asks the host to look again.
    nudged: AtomicBool,
    /// The host is parked, or is about to park and has not looked at the bits since.
    armed: AtomicBool,
    /// The host was refused something that others hold: the state, an in-flight slot, a pool
    /// thread.
    wanted: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    pub(crate) fn new(mailboxes: usize) -> Self {
        Self {
            ready: (0..mailboxes.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            nudged: AtomicBool::new(false),
            armed: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Reports that the mailbox at `index`, empty until now, has a call, and wakes the host.
    #[inline]
    pub(crate) fn ring(&self, index: usize) {
        self.mark(index);
        self.wake();
    }

    /// The same without a wake: [`wake`](Self::wake) must follow if the host may be asleep.
    /// `Release`, so that a host that takes the bit sees the call behind it.
    #[inline]
    pub(crate) fn mark(&self, index: usize) {
        self.ready[index / 64].fetch_or(1 << (index % 64), Ordering::Release);
    }

    /// Reports that something else has changed: the state was released, or a stop was requested.
    pub(crate) fn nudge(&self) {
        self.nudged.swap(true, Ordering::AcqRel);
        self.wake();
    }

    /// Announces that the host needs something that others hold: the next release nudges it. The
    /// host tries once more after this call, and then parks. The fence orders the announcement
    /// before that try, as the one in [`released`](Self::released) orders the release before the
    /// look at the flag.
    pub(crate) fn want(&self) {
        self.wanted.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// Reports that something was released which the host may need.
    #[inline]
    pub(crate) fn released(&self) {
        fence(Ordering::SeqCst);
        // Load first: a swap takes the cache line, and inline calls of all threads come here.
        if self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::AcqRel) {
            self.nudge();
        }
    }

    /// Wakes the host if it is asleep, or is about to park.
    #[inline]
    pub(crate) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Registers the waker of the host. Call this before [`arm`](Self::arm).
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Whether it has rung since the bits were last taken.
    pub(crate) fn has_rung(&self) -> bool {
        self.nudged.load(Ordering::Relaxed) || self.ready.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// Arms the bell. Returns `false`, and does not arm it, if it has rung since the bits were last
    /// taken: then the host must not park.
    pub(crate) fn arm(&self) -> bool {
        self.armed.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let has_rung = self.has_rung();
        if has_rung {
            self.armed.swap(false, Ordering::AcqRel);
        }
        !has_rung
    }

    /// Takes the bits, and passes the index of each mailbox that has rung to `each`.
    pub(crate) fn take(&self, mut each: impl FnMut(usize)) {
        if self.nudged.load(Ordering::Relaxed) {
            self.nudged.swap(false, Ordering::AcqRel);
        }
        for (word, ready) in self.ready.iter().enumerate() {
            // A bit that this load misses is seen by `arm`, which looks again behind a fence.
            if ready.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = ready.swap(0, Ordering::Acquire);
            while bits != 0 {
                each(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    pub(in super::super) struct CountWakes(AtomicUsize);

    impl CountWakes {
        /// Parks a host, and counts how often it is woken.
        pub(in super::super) fn parked(bell: &Bell) -> Arc<Self> {
            let wakes = Arc::new(Self::default());
            bell.register(&Waker::from(Arc::clone(&wakes)));
            assert!(bell.arm());
            wakes
        }

        pub(in super::super) fn count(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    impl Wake for CountWakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_burst_costs_one_wake_and_every_mailbox_of_it_is_seen() {
        let bell = Bell::new(130);
        let wakes = CountWakes::parked(&bell);
        for index in [0, 5, 63, 64, 129, 5] {
            bell.ring(index);
        }
        bell.nudge();
        assert_eq!(wakes.count(), 1);
        let mut seen = Vec::new();
        bell.take(|index| seen.push(index));
        assert_eq!(seen, [0, 5, 63, 64, 129]);
    }

    #[test]
    fn a_release_rings_only_if_the_host_waits_for_it() {
        let bell = Bell::new(1);
        bell.released();
        assert!(bell.arm(), "nobody wants it: no ring");
        bell.want();
        bell.released();
        assert!(!bell.arm(), "it rang");
    }

    #[test]
    fn a_bell_that_rang_before_it_was_armed_keeps_the_host_awake() {
        let bell = Bell::new(3);
        bell.ring(2);
        assert!(!bell.arm());
        bell.take(|_| {});
        bell.nudge();
        assert!(!bell.arm(), "a nudge counts like a mailbox");
        bell.take(|_| {});
        assert!(bell.arm());
    }
}
