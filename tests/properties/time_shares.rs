//! How the time of the host is shared: no mailbox starves, and backlogged ones share it by weight
//! and measured time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use callbox::testing::{InProcess, in_process};
use callbox::{ServiceRef, service};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::observed_service::spin;

/// A call that has run: of which mailbox, from when until when.
type Run = (usize, Instant, Instant);

struct SharesService {
    runs: Arc<Mutex<Vec<Run>>>,
    gate: Arc<Semaphore>,
}

impl SharesService {
    fn run(&self, mailbox: usize, micros: u64) {
        let start = Instant::now();
        spin(micros);
        self.runs.lock().unwrap().push((mailbox, start, Instant::now()));
    }
}

#[service(name = "lanes")]
impl SharesService {
    /// Holds the host, so that calls wait. Only once: the second time, the call might run inline.
    #[public_method]
    fn hold(&mut self) {
        let start = Instant::now();
        while self.gate.try_acquire().map(SemaphorePermit::forget).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "never let go");
            std::thread::yield_now();
        }
        // Longer than a round of the scheduler, which takes in new calls before the next call
        // starts.
        spin(300);
    }

    #[public_method]
    fn one(&mut self, micros: u64) {
        self.run(0, micros);
    }

    #[public_method]
    fn another(&mut self, micros: u64) {
        self.run(1, micros);
    }

    #[public_method(weight = 2)]
    fn two(&mut self, micros: u64) {
        self.run(2, micros);
    }

    #[public_method(weight = 2)]
    async fn two_later(&mut self, micros: u64) {
        let start = Instant::now();
        spin(micros / 2);
        tokio::task::yield_now().await;
        spin(micros / 2);
        self.runs.lock().unwrap().push((3, start, Instant::now()));
    }

    #[public_method(weight = 4)]
    fn four(&mut self, micros: u64) {
        self.run(4, micros);
    }
}

const WEIGHTS: [u64; 5] = [1, 1, 2, 2, 4];

struct Site {
    held: InProcess<SharesService>,
    runs: Arc<Mutex<Vec<Run>>>,
    gate: Arc<Semaphore>,
}

impl Site {
    fn start() -> Self {
        let (runs, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let (to_runs, to_gate) = (Arc::clone(&runs), Arc::clone(&gate));
        let held = in_process(move || SharesService { runs: Arc::clone(&to_runs), gate: Arc::clone(&to_gate) });
        Self { held, runs, gate }
    }

    /// Queues all of these calls before the first of them runs, and returns the order in which they
    /// ran. `calls` has a mailbox, the number of its calls, and the time that each takes.
    fn backlog(&self, calls: &[(usize, usize, u64)]) -> Vec<Run> {
        let lanes = self.held.service();
        lanes.notify(SharesService_Hold {}).unwrap();
        for &(mailbox, times, micros) in calls {
            (0..times).for_each(|_| notify(lanes, mailbox, micros));
        }
        self.gate.add_permits(1);
        self.held.wait_idle();
        std::mem::take(&mut *self.runs.lock().unwrap())
    }
}

fn notify(lanes: &ServiceRef<SharesService>, mailbox: usize, micros: u64) {
    let sent = match mailbox {
        0 => lanes.notify(SharesService_One { micros }),
        1 => lanes.notify(SharesService_Another { micros }),
        2 => lanes.notify(SharesService_Two { micros }),
        3 => lanes.notify(SharesService_TwoLater { micros }),
        _ => lanes.notify(SharesService_Four { micros }),
    };
    sent.unwrap();
}

proptest! {
    #![proptest_config(crate::cases(48))]

    /// The first turn of each mailbox comes before the second of any, whatever its calls cost and
    /// however many others wait. (Readers beside async writers have turns of their own: see
    /// `gate_fairness`.)
    #[test]
    fn no_mailbox_starves(costs in vec((0..300u64, 2..12usize), 5), some in proptest::sample::subsequence((0..5usize).collect::<Vec<_>>(), 2..=5)) {
        let calls: Vec<_> = some.iter().map(|mailbox| (*mailbox, costs[*mailbox].1, costs[*mailbox].0)).collect();
        let runs = Site::start().backlog(&calls);
        prop_assert_eq!(runs.len(), calls.iter().map(|(_, times, _)| times).sum::<usize>(), "all of them run");
        let mut first: Vec<_> = runs[..some.len()].iter().map(|(mailbox, ..)| *mailbox).collect();
        first.sort_unstable();
        prop_assert_eq!(first, some);
    }
}

/// Returns the largest deviation of a mailbox from its share until the first had no more calls: 0.1
/// for a tenth.
fn unfairness(calls: &[(usize, usize, u64)], runs: &[Run]) -> f64 {
    let mut left: [usize; 5] = [0; 5];
    calls.iter().for_each(|(mailbox, times, _)| left[*mailbox] = *times);
    let mut got = [Duration::ZERO; 5];
    for (mailbox, start, end) in runs {
        got[*mailbox] += *end - *start;
        left[*mailbox] -= 1;
        if left[*mailbox] == 0 {
            break;
        }
    }
    let weights: u64 = calls.iter().map(|(mailbox, ..)| WEIGHTS[*mailbox]).sum();
    let whole: Duration = got.iter().sum();
    let off = calls.iter().map(|(mailbox, ..)| {
        let due = whole.as_secs_f64() * WEIGHTS[*mailbox] as f64 / weights as f64;
        (got[*mailbox].as_secs_f64() / due - 1.0).abs()
    });
    off.fold(0.0, f64::max)
}

#[test]
fn time_on_the_thread_is_shared_by_weight_whatever_a_call_costs() {
    // Enough that none has run out after 20 ms for each unit of weight.
    let backlog = |costs: &[(usize, u64)]| -> Vec<(usize, usize, u64)> {
        costs
            .iter()
            .map(|(mailbox, micros)| (*mailbox, (WEIGHTS[*mailbox] * 24_000 / micros) as usize, *micros))
            .collect()
    };
    for costs in [
        [(0, 100), (1, 800)].as_slice(),
        &[(0, 400), (2, 400), (4, 400)],
        &[(0, 800), (2, 400), (4, 100)],
        &[(1, 200), (3, 800), (4, 400)],
    ] {
        let calls = backlog(costs);
        // A preemption of the host at a bad moment looks like a wrong share, but does not happen
        // each time.
        let mut seen = Vec::new();
        while seen.last().is_none_or(|off| *off > 0.25) {
            assert!(seen.len() < 6, "{costs:?}: off by {seen:.2?}");
            seen.push(unfairness(&calls, &Site::start().backlog(&calls)));
        }
    }
}
