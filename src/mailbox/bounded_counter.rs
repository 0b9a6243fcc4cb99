//! A count that never passes its counter.

use crate::sync::{AtomicUsize, Ordering};

/// A count with a counter that is never passed, not even for a moment.
///
/// Callers try_acquire and the host gives back, on two threads. So each side counts up on a cache line of its own, and whoever takes
/// looks at the other side's only when what it last saw there will not do.
#[derive(Debug)]
pub(crate) struct BoundedCounter {
    max: usize,
    acquired: CachePadded<Acquired>,
    released: CachePadded<AtomicUsize>,
}

#[derive(Debug)]
#[repr(align(128))]
struct CachePadded<T>(T);

#[derive(Debug)]
struct Acquired {
    /// What had been given back when somebody last looked.
    seen: AtomicUsize,
    count: AtomicUsize,
}

impl BoundedCounter {
    pub(crate) fn new(max: usize) -> Self {
        let acquired = Acquired { seen: AtomicUsize::new(0), count: AtomicUsize::new(0) };
        Self { max, acquired: CachePadded(acquired), released: CachePadded(AtomicUsize::new(0)) }
    }

    /// Takes so much, if it is to be had.
    #[inline]
    pub(crate) fn try_acquire(&self, amount: usize) -> bool {
        let Acquired { seen, count } = &self.acquired.0;
        let fits = |acquired: usize, back: usize| amount <= self.max.saturating_sub(acquired.wrapping_sub(back));
        loop {
            // In this order: nothing is given back before it is acquired, so what is acquired is the larger of the two.
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

    #[inline]
    pub(crate) fn release(&self, amount: usize) {
        self.released.0.fetch_add(amount, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn in_use(&self) -> usize {
        let back = self.released.0.load(Ordering::Acquire);
        self.acquired.0.count.load(Ordering::Acquire).wrapping_sub(back)
    }

    /// As much or less is in_use, told without looking at what the other side writes.
    #[inline]
    pub(crate) fn in_use_at_most(&self) -> usize {
        let Acquired { seen, count } = &self.acquired.0;
        let back = seen.load(Ordering::Acquire);
        count.load(Ordering::Acquire).wrapping_sub(back)
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
    fn what_fits_is_taken_and_what_was_given_back_fits_again() {
        let counter = BoundedCounter::new(10);
        assert!(counter.try_acquire(4) && counter.try_acquire(6) && !counter.try_acquire(1));
        counter.release(4);
        assert_eq!((counter.in_use(), counter.in_use_at_most()), (6, 10), "nobody has looked yet");
        assert!(!counter.try_acquire(5) && counter.try_acquire(4) && counter.try_acquire(0));
        assert_eq!((counter.in_use(), counter.in_use_at_most()), (10, 10));
        assert!(!counter.try_acquire(usize::MAX));
    }

    #[test]
    fn counts_go_on_when_they_have_wrapped_round() {
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
