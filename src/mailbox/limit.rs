//! A count that never passes its limit.

use crate::sync::{AtomicUsize, Ordering};

/// A count with a limit that is never passed, not even for a moment.
///
/// Callers take and the host gives back, on two threads. So each side counts up on a cache line of its own, and whoever takes
/// looks at the other side's only when what it last saw there will not do.
#[derive(Debug)]
pub(crate) struct Limit {
    most: usize,
    taken: Line<Taken>,
    given_back: Line<AtomicUsize>,
}

#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

#[derive(Debug)]
struct Taken {
    /// What had been given back when somebody last looked.
    seen: AtomicUsize,
    count: AtomicUsize,
}

impl Limit {
    pub(crate) fn new(most: usize) -> Self {
        let taken = Taken { seen: AtomicUsize::new(0), count: AtomicUsize::new(0) };
        Self { most, taken: Line(taken), given_back: Line(AtomicUsize::new(0)) }
    }

    /// Takes so much, if it is to be had.
    #[inline]
    pub(crate) fn take(&self, amount: usize) -> bool {
        let Taken { seen, count } = &self.taken.0;
        let fits = |taken: usize, back: usize| amount <= self.most.saturating_sub(taken.wrapping_sub(back));
        loop {
            // In this order: nothing is given back before it is taken, so what is taken is the larger of the two.
            let back = seen.load(Ordering::Acquire);
            let mut taken = count.load(Ordering::Acquire);
            if !fits(taken, back) {
                let back = self.given_back.0.load(Ordering::SeqCst);
                seen.store(back, Ordering::Release);
                taken = count.load(Ordering::Acquire);
                if !fits(taken, back) {
                    return false;
                }
            }
            let next = taken.wrapping_add(amount);
            if count.compare_exchange_weak(taken, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
    }

    #[inline]
    pub(crate) fn give_back(&self, amount: usize) {
        self.given_back.0.fetch_add(amount, Ordering::SeqCst);
    }

    #[inline]
    pub(crate) fn used(&self) -> usize {
        let back = self.given_back.0.load(Ordering::Acquire);
        self.taken.0.count.load(Ordering::Acquire).wrapping_sub(back)
    }

    /// As much or less is used, told without looking at what the other side writes.
    #[inline]
    pub(crate) fn used_at_most(&self) -> usize {
        let Taken { seen, count } = &self.taken.0;
        let back = seen.load(Ordering::Acquire);
        count.load(Ordering::Acquire).wrapping_sub(back)
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_fits_is_taken_and_what_was_given_back_fits_again() {
        let limit = Limit::new(10);
        assert!(limit.take(4) && limit.take(6) && !limit.take(1));
        limit.give_back(4);
        assert_eq!((limit.used(), limit.used_at_most()), (6, 10), "nobody has looked yet");
        assert!(!limit.take(5) && limit.take(4) && limit.take(0));
        assert_eq!((limit.used(), limit.used_at_most()), (10, 10));
        assert!(!limit.take(usize::MAX));
    }

    #[test]
    fn counts_go_on_when_they_have_wrapped_round() {
        let limit = Limit::new(usize::MAX);
        for _ in 0..5 {
            assert!(limit.take(usize::MAX / 2));
            limit.give_back(usize::MAX / 2);
        }
        assert_eq!(limit.used(), 0);
        assert!(limit.take(7));
        assert_eq!(limit.used(), 7);
    }

    #[test]
    fn many_threads_never_hold_more_than_the_limit() {
        let (limit, held) = (Limit::new(3), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        if limit.take(1) {
                            assert!(held.fetch_add(1, Ordering::SeqCst) < 3);
                            held.fetch_sub(1, Ordering::SeqCst);
                            limit.give_back(1);
                        }
                    }
                });
            }
        });
        assert_eq!(limit.used(), 0);
    }
}
