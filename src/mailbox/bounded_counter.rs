//! A counter that never exceeds its limit.

use crate::sync::{AtomicUsize, Ordering};

/// A counter that never exceeds its limit, not even for a moment.
///
/// Callers acquire and the host releases, on two threads. A single atomic would move its cache line
/// between them for every call. So each side only counts up, on a cache line of its own; what is in
/// use is the difference. Callers look at the host's line only when the value that they last saw
/// there leaves no room.
#[derive(Debug)]
pub(crate) struct BoundedCounter {
    /// Maximum that may be in use.
    max: usize,
    acquired: CachePadded<Acquired>,
    released: CachePadded<AtomicUsize>,
}

/// Keeps a value on cache lines of its own: 128 bytes, because common processors prefetch lines in
/// pairs.
#[derive(Debug)]
#[repr(align(128))]
struct CachePadded<T>(T);

/// The callers' side.
#[derive(Debug)]
struct Acquired {
    /// Value of `released` when a caller last looked.
    seen: AtomicUsize,
    /// Total amount acquired so far, modulo `usize`.
    count: AtomicUsize,
}

impl BoundedCounter {
    pub(crate) fn new(max: usize) -> Self {
        let acquired = Acquired { seen: AtomicUsize::new(0), count: AtomicUsize::new(0) };
        Self { max, acquired: CachePadded(acquired), released: CachePadded(AtomicUsize::new(0)) }
    }

    /// Acquires `amount`, or returns `false` if that would exceed the limit.
    #[inline]
    pub(crate) fn try_acquire(&self, amount: usize) -> bool {
        let Acquired { seen, count } = &self.acquired.0;
        let fits = |acquired: usize, back: usize| amount <= self.max.saturating_sub(acquired.wrapping_sub(back));
        loop {
            // Load `seen` before `count`: nothing is released before it is acquired, so the later
            // load is the larger value and the difference cannot be negative.
            let back = seen.load(Ordering::Acquire);
            let mut acquired = count.load(Ordering::Acquire);
            if !fits(acquired, back) {
                let back = self.released.0.load(Ordering::SeqCst);
                seen.store(back, Ordering::Release);
                acquired = count.load(Ordering::Acquire);
                if !fits(acquired, back) {
                    return false;
                }
            }
            let next = acquired.wrapping_add(amount);
            if count.compare_exchange_weak(acquired, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }

    /// Releases `amount`, which must have been acquired before.
    ///
    /// `SeqCst`, because whoever releases then looks for waiting batches, and a batch announces
    /// itself and then looks for what was released: see `Quota`.
    #[inline]
    pub(crate) fn release(&self, amount: usize) {
        self.released.0.fetch_add(amount, Ordering::SeqCst);
    }

    /// Returns the amount in use. Other threads may have changed it by the time it is returned.
    #[inline]
    pub(crate) fn in_use(&self) -> usize {
        let back = self.released.0.load(Ordering::Acquire);
        self.acquired.0.count.load(Ordering::Acquire).wrapping_sub(back)
    }

    /// Returns an upper bound of [`in_use`](Self::in_use), without touching the cache line that the
    /// host writes.
    #[inline]
    pub(crate) fn in_use_at_most(&self) -> usize {
        let Acquired { seen, count } = &self.acquired.0;
        let back = seen.load(Ordering::Acquire);
        count.load(Ordering::Acquire).wrapping_sub(back)
    }

    /// Returns the amount that can be acquired. Other threads may have changed it by the time it is
    /// returned.
    #[inline]
    pub(crate) fn available(&self) -> usize {
        // What is in use may seem more than the limit, if both sides move on between its loads.
        self.max.saturating_sub(self.in_use())
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_was_released_can_be_acquired_again() {
        let counter = BoundedCounter::new(10);
        assert!(counter.try_acquire(4) && counter.try_acquire(6) && !counter.try_acquire(1));
        counter.release(4);
        assert_eq!((counter.in_use(), counter.in_use_at_most()), (6, 10), "nobody has looked yet");
        assert!(!counter.try_acquire(5) && counter.try_acquire(4) && counter.try_acquire(0));
        assert_eq!((counter.in_use(), counter.in_use_at_most()), (10, 10));
        assert!(!counter.try_acquire(usize::MAX));
    }

    #[test]
    fn the_counters_may_wrap_around() {
        let counter = BoundedCounter::new(usize::MAX);
        for _ in 0..5 {
            assert!(counter.try_acquire(usize::MAX / 2));
            counter.release(usize::MAX / 2);
        }
        assert_eq!(counter.in_use(), 0);
        assert!(counter.try_acquire(7));
        assert_eq!(counter.in_use(), 7);
    }

    #[test]
    fn many_threads_never_hold_more_than_the_limit() {
        let (counter, held) = (BoundedCounter::new(3), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|_| assert!(counter.available() <= 3)));
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        if counter.try_acquire(1) {
                            assert!(held.fetch_add(1, Ordering::SeqCst) < 3);
                            held.fetch_sub(1, Ordering::SeqCst);
                            counter.release(1);
                        }
                    }
                });
            }
        });
        assert_eq!(counter.in_use(), 0);
    }
}
