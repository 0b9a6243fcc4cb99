//! What becomes of a method's calls, counted by many threads at once and added up when somebody asks.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

use super::histogram::{Histogram, LiveHistogram};

/// So many threads count without waiting for each other's cache lines; further ones share theirs.
const PARTS: usize = 8;

/// What is counted. Each call that reached its method ends in exactly one of those from `Answered` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Calls that run now: one more at the start, one less at the end, on whichever thread.
    Running,
    Inline,
    Queued,
    Answered,
    Failed,
    Panicked,
    RefusedFull,
    RefusedHopeless,
    RefusedOverdue,
    RefusedUnavailable,
    RefusedParams,
    Expired,
    Abandoned,
}

const COUNTS: usize = Count::Abandoned as usize + 1;

/// One thread's part, on cache lines of its own.
#[repr(align(128))]
#[derive(Default)]
struct Part {
    counts: [AtomicU64; COUNTS],
    wait: LiveHistogram,
    run: LiveHistogram,
}

/// The counts of one method. A part is made when its thread first counts something.
#[derive(Default)]
pub(crate) struct Tally([OnceLock<Box<Part>>; PARTS]);

impl Tally {
    #[inline]
    pub(crate) fn add(&self, count: Count, calls: u64) {
        self.part().counts[count as usize].fetch_add(calls, Ordering::Relaxed);
    }

    /// This thread's part of [`Count::Running`], from which a call that ends takes what it has added, on whichever thread.
    #[inline]
    pub(crate) fn running(&self) -> &AtomicU64 {
        &self.part().counts[Count::Running as usize]
    }

    /// A call was in its mailbox for so long.
    #[inline]
    pub(crate) fn waited(&self, time: Duration) {
        self.part().wait.record(time, 1);
    }

    /// So many calls ran for so long each.
    #[inline]
    pub(crate) fn ran(&self, time: Duration, calls: u64) {
        self.part().run.record(time, calls);
    }

    pub(crate) fn get(&self, count: Count) -> u64 {
        let parts = self.parts().map(|part| part.counts[count as usize].load(Ordering::Relaxed));
        parts.sum()
    }

    pub(crate) fn wait(&self) -> Histogram {
        Histogram::of(self.parts().map(|part| &part.wait))
    }

    pub(crate) fn run(&self) -> Histogram {
        Histogram::of(self.parts().map(|part| &part.run))
    }

    #[inline]
    fn part(&self) -> &Part {
        self.0[number_of_this_thread() % PARTS].get_or_init(Box::default)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.0.iter().filter_map(|part| part.get().map(Box::as_ref))
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("wait", &self.wait()).field("run", &self.run()).finish_non_exhaustive()
    }
}

/// Numbers threads in the order in which they first count.
#[inline]
fn number_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    const UNKNOWN: usize = usize::MAX;
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    }
    NUMBER.with(|number| {
        if number.get() == UNKNOWN {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_added_up() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            for thread in 0..3 * PARTS as u64 {
                let tally = &tally;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        tally.add(Count::Answered, 1);
                        tally.waited(Duration::from_micros(thread));
                    }
                });
            }
        });
        assert_eq!((tally.get(Count::Answered), tally.get(Count::Failed)), (3000 * PARTS as u64, 0));
        assert_eq!((tally.wait().count(), tally.run().count()), (3000 * PARTS as u64, 0));
    }

    #[test]
    fn a_call_may_end_on_another_thread_than_it_began_on() {
        let tally = Tally::default();
        let running = tally.running();
        running.fetch_add(2, Ordering::Relaxed);
        std::thread::scope(|scope| scope.spawn(|| running.fetch_sub(1, Ordering::Relaxed)).join()).unwrap();
        assert_eq!(tally.get(Count::Running), 1);
    }
}
