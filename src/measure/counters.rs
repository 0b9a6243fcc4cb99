//! How a method's calls ended, counted by many threads at once and summed when somebody reads them.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

use super::histogram::{AtomicHistogram, Histogram};

/// Number of shards. This many threads count without sharing a cache line; further threads share
/// theirs.
const SHARDS: usize = 8;

/// What is counted. Each call that reached its method ends in exactly one of the counters from
/// `Answered` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Calls that are running: incremented at the start and decremented at the end, on whichever
    /// thread.
    Running,
    Inline,
    Queued,
    Answered,
    Failed,
    Panicked,
    RefusedFull,
    RefusedCaller,
    RefusedHopeless,
    RefusedOverdue,
    RefusedUnavailable,
    RefusedParams,
    Expired,
    Abandoned,
    Cancelled,
}

const COUNTERS: usize = Counter::Cancelled as usize + 1;

/// The counters of one thread, on cache lines of their own.
#[repr(align(128))]
#[derive(Default)]
struct CounterShard {
    counts: [AtomicU64; COUNTERS],
    wait: AtomicHistogram,
    run: AtomicHistogram,
}

/// The counters of one method. A shard is created when a thread of it first counts something.
#[derive(Default)]
pub(crate) struct CallCounters([OnceLock<Box<CounterShard>>; SHARDS]);

impl CallCounters {
    #[inline]
    pub(crate) fn add(&self, count: Counter, calls: u64) {
        self.shard().counts[count as usize].fetch_add(calls, Ordering::Relaxed);
    }

    /// Returns this thread's shard of [`Counter::Running`]. The call that increments it decrements
    /// the same shard when it ends, on whichever thread.
    #[inline]
    pub(crate) fn running(&self) -> &AtomicU64 {
        &self.shard().counts[Counter::Running as usize]
    }

    /// Records the time that a call spent in its mailbox.
    #[inline]
    pub(crate) fn record_wait(&self, time: Duration) {
        self.shard().wait.record(time, 1);
    }

    /// Records that `calls` calls ran for `time` each.
    #[inline]
    pub(crate) fn record_run(&self, time: Duration, calls: u64) {
        self.shard().run.record(time, calls);
    }

    pub(crate) fn get(&self, count: Counter) -> u64 {
        let shards = self.shards().map(|shard| shard.counts[count as usize].load(Ordering::Relaxed));
        shards.sum()
    }

    pub(crate) fn wait(&self) -> Histogram {
        Histogram::of(self.shards().map(|shard| &shard.wait))
    }

    pub(crate) fn run(&self) -> Histogram {
        Histogram::of(self.shards().map(|shard| &shard.run))
    }

    #[inline]
    fn shard(&self) -> &CounterShard {
        self.0[number_of_this_thread() % SHARDS].get_or_init(Box::default)
    }

    fn shards(&self) -> impl Iterator<Item = &CounterShard> {
        self.0.iter().filter_map(|shard| shard.get().map(Box::as_ref))
    }
}

impl fmt::Debug for CallCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCounters").field("wait", &self.wait()).field("run", &self.run()).finish_non_exhaustive()
    }
}

/// Returns the number of this thread. Threads are numbered in the order in which they first count.
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
    fn the_counts_of_many_threads_are_added_up() {
        let counters = CallCounters::default();
        std::thread::scope(|scope| {
            for thread in 0..3 * SHARDS as u64 {
                let counters = &counters;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        counters.add(Counter::Answered, 1);
                        counters.record_wait(Duration::from_micros(thread));
                    }
                });
            }
        });
        assert_eq!((counters.get(Counter::Answered), counters.get(Counter::Failed)), (3000 * SHARDS as u64, 0));
        assert_eq!((counters.wait().count(), counters.run().count()), (3000 * SHARDS as u64, 0));
    }

    #[test]
    fn a_call_may_end_on_another_thread_than_it_began_on() {
        let counters = CallCounters::default();
        let running = counters.running();
        running.fetch_add(2, Ordering::Relaxed);
        std::thread::scope(|scope| scope.spawn(|| running.fetch_sub(1, Ordering::Relaxed)).join()).unwrap();
        assert_eq!(counters.get(Counter::Running), 1);
    }
}
