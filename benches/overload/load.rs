//! Open-loop load: calls are sent on a schedule, regardless of the outcome of earlier calls, and
//! the latency of a call counts from the moment at which it was due. So a subject that stalls
//! cannot hide it by slowing its callers down.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_io::Timer;
use futures::stream::{FuturesUnordered, StreamExt};

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    /// The call was rejected at once.
    Refused,
    /// The deadline, or the caller's timeout, was exceeded.
    Expired,
    /// The service was not available.
    Unavailable,
    /// The method failed.
    Failed,
    /// There was no response at the end of the run.
    Unanswered,
}

impl Outcome {
    /// Returns the outcome for the code of a JSON-RPC error.
    pub(crate) fn of_code(code: i32) -> Self {
        match code {
            -32000 => Self::Refused,
            -32002 => Self::Expired,
            -32003 => Self::Unavailable,
            _ => Self::Failed,
        }
    }
}

/// A call that is due. `class` distinguishes an experiment's kinds of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) class: usize,
    pub(crate) number: usize,
    pub(crate) due: Duration,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallRecord {
    pub(crate) class: usize,
    pub(crate) number: usize,
    pub(crate) due: Duration,
    /// Time from when it was due until its end.
    pub(crate) latency: Duration,
    /// How late the generator itself sent it.
    pub(crate) late: Duration,
    pub(crate) outcome: Outcome,
}

impl CallRecord {
    pub(crate) fn ended(&self) -> Duration {
        self.due + self.latency
    }
}

/// A schedule, which is built piece by piece. Equal pieces give equal schedules, so that all
/// subjects meet the same load.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    arrivals: Vec<Arrival>,
    seed: u64,
}

impl Schedule {
    /// Adds calls at random times, `rate` per second on average (a Poisson process).
    pub(crate) fn random(mut self, class: usize, rate: f64, from: Duration, to: Duration) -> Self {
        let mut due = from;
        loop {
            let gap = -(1.0 - self.fraction()).ln() / rate;
            due += Duration::from_secs_f64(gap);
            if due >= to {
                return self;
            }
            self.add(class, due);
        }
    }

    /// Adds `count` calls at once, every `gap`.
    pub(crate) fn bursts(mut self, class: usize, count: usize, gap: Duration, to: Duration) -> Self {
        let mut due = gap;
        while due < to {
            (0..count).for_each(|_| self.add(class, due));
            due += gap;
        }
        self
    }

    fn add(&mut self, class: usize, due: Duration) {
        self.arrivals.push(Arrival { class, number: 0, due });
    }

    /// Returns the next pseudo-random number in `0.0..1.0`, from SplitMix64.
    fn fraction(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns the calls in the order of their due times, and numbers them in that order.
    fn into_arrivals(mut self) -> Vec<Arrival> {
        self.arrivals.sort_by_key(|arrival| arrival.due);
        self.arrivals.iter_mut().enumerate().for_each(|(number, arrival)| arrival.number = number);
        self.arrivals
    }
}

/// Makes the calls of a schedule and waits for their ends, at most `drain_timeout` after the last
/// one was due.
pub(crate) fn open_loop<F>(schedule: Schedule, drain_timeout: Duration, call: impl Fn(Arrival) -> F) -> Vec<CallRecord>
where
    F: Future<Output = Outcome>,
{
    let arrivals = schedule.into_arrivals();
    let last = arrivals.last().map_or(Duration::ZERO, |arrival| arrival.due);
    let start = Instant::now() + Duration::from_millis(5);
    let records = RefCell::new(Vec::with_capacity(arrivals.len()));
    let make = |arrival: Arrival| {
        let (late, calling, records) = (start + arrival.due, call(arrival), &records);
        let late = late.elapsed();
        async move {
            let outcome = calling.await;
            let latency = (start + arrival.due).elapsed();
            let Arrival { class, number, due } = arrival;
            records.borrow_mut().push(CallRecord { class, number, due, latency, late, outcome });
        }
    };
    let run = async {
        let mut calls = FuturesUnordered::new();
        let (mut next, mut timer_at) = (0, start);
        let mut timer = Timer::at(start);
        poll_fn(|cx| {
            loop {
                let now = Instant::now();
                while let Some(arrival) = arrivals.get(next).filter(|arrival| start + arrival.due <= now) {
                    calls.push(make(*arrival));
                    next += 1;
                }
                if let Poll::Ready(Some(())) = calls.poll_next_unpin(cx) {
                    continue;
                }
                let wake = start + arrivals.get(next).map_or(last + drain_timeout, |arrival| arrival.due);
                if next == arrivals.len() && (calls.is_empty() || wake <= now) {
                    return Poll::Ready(());
                }
                if wake != timer_at {
                    timer.set_at(wake);
                    timer_at = wake;
                }
                if timer.poll_next_unpin(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await;
    };
    block_on(run);
    let mut records = records.into_inner();
    record_unanswered(&mut records, &arrivals, start.elapsed());
    records
}

/// Runs a future on this thread, with timers of the kernel's precision; those of tokio would be a
/// millisecond late.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    // The timers of the calls themselves are tokio's, and need a runtime that drives them.
    let timers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let timers = timers.expect("a runtime for the callers' timers");
    let _guard = timers.enter();
    async_io::block_on(future)
}

/// Records the calls that have not ended. Their latency is at least the time until now.
fn record_unanswered(records: &mut Vec<CallRecord>, arrivals: &[Arrival], now: Duration) {
    let mut ended = vec![false; arrivals.len()];
    records.iter().for_each(|record| ended[record.number] = true);
    let open = arrivals.iter().filter(|arrival| !ended[arrival.number]);
    records.extend(open.map(|&Arrival { class, number, due }| {
        let (latency, late) = (now.saturating_sub(due), Duration::ZERO);
        CallRecord { class, number, due, latency, late, outcome: Outcome::Unanswered }
    }));
}
