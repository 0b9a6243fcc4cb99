//! A call that runs inline never overtakes one that waits, in whatever mailbox that is.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use callbox::testing::in_process;
use callbox::{ServiceRef, service};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use proptest::collection::vec;
use proptest::prelude::*;

thread_local! {
    /// This thread makes calls: what runs on it runs inline.
    static CALLS: Cell<bool> = const { Cell::new(false) };
}

/// A call that goes through a mailbox, as its caller and its method know it.
#[derive(Default)]
struct Waiting {
    writes: bool,
    /// When it was in its mailbox, as one of how many; 0 before.
    queued: AtomicU64,
    /// It has the state, or had it; or its caller is about to leave.
    gone: AtomicBool,
}

struct Watch {
    waiting: Vec<Waiting>,
    queued: AtomicU64,
    inline: AtomicU64,
    overtaken: AtomicU64,
}

impl Watch {
    /// Checks a short call whose caller began it when `before` calls had been queued. Those of them
    /// that exclude it, as one of both writes, and that have not run yet, were waiting all the
    /// time.
    fn short(&self, before: u64, writes: bool) {
        if CALLS.get() {
            self.inline.fetch_add(1, Ordering::SeqCst);
            let waits = |call: &&Waiting| {
                let queued = (1..=before).contains(&call.queued.load(Ordering::SeqCst));
                (writes || call.writes) && queued && !call.gone.load(Ordering::SeqCst)
            };
            self.overtaken.fetch_add(self.waiting.iter().filter(waits).count() as u64, Ordering::SeqCst);
        }
    }

    fn queued(&self) -> u64 {
        self.queued.load(Ordering::SeqCst)
    }

    fn begins(&self, call: usize) {
        self.waiting[call].gone.store(true, Ordering::SeqCst);
    }
}

struct Counter {
    watch: Arc<Watch>,
    count: u64,
}

#[service(name = "counter")]
impl Counter {
    #[public_method]
    fn peek(&self, before: u64) -> u64 {
        self.watch.short(before, false);
        self.count
    }

    #[public_method]
    fn tick(&mut self, before: u64) -> u64 {
        self.watch.short(before, true);
        self.count += 1;
        self.count
    }

    /// Holds its share of the state, so that writers wait.
    #[public_method(in_flight = 2)]
    async fn linger(&self, call: usize, micros: u64) {
        self.watch.begins(call);
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }

    #[public_method]
    async fn change(&mut self, call: usize) {
        self.watch.begins(call);
        tokio::task::yield_now().await;
        self.count += 1;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Peek,
    Tick,
    Linger(u64),
    Change,
    /// Whoever is under way leaves.
    Leave,
    Pause(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Peek),
        6 => Just(Step::Tick),
        2 => (0..1000u64).prop_map(Step::Linger),
        2 => Just(Step::Change),
        1 => Just(Step::Leave),
        2 => (0..500u64).prop_map(Step::Pause),
    ]
}

async fn caller(counter: &ServiceRef<Counter>, watch: &Watch, first: usize, steps: &[Step]) {
    let mut under_way = FuturesUnordered::new();
    let mut mine = Vec::new();
    for (step, number) in steps.iter().zip(first..) {
        let waiting = &watch.waiting[number];
        let mut call = match *step {
            // Awaited at once: inline, or through its mailbox.
            Step::Peek => {
                counter.call(Counter_Peek { before: watch.queued() }).await.unwrap();
                continue;
            }
            Step::Tick => {
                counter.call(Counter_Tick { before: watch.queued() }).await.unwrap();
                continue;
            }
            Step::Leave => {
                mine.drain(..).for_each(|waiting: &Waiting| waiting.gone.store(true, Ordering::SeqCst));
                under_way.clear();
                continue;
            }
            Step::Pause(micros) => {
                let pause = tokio::time::sleep(Duration::from_micros(micros));
                let ends = async { while under_way.next().await.is_some() {} };
                futures::future::select(Box::pin(pause), Box::pin(ends)).await;
                continue;
            }
            Step::Linger(micros) => counter.call(Counter_Linger { call: number, micros }).boxed_local(),
            Step::Change => counter.call(Counter_Change { call: number }).boxed_local(),
        };
        if futures::poll!(&mut call).is_pending() {
            waiting.queued.store(watch.queued.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            mine.push(waiting);
            under_way.push(call);
        }
    }
    while let Some(ended) = under_way.next().await {
        assert_eq!(ended, Ok(()));
    }
}

proptest! {
    #![proptest_config(crate::cases(32))]

    #[test]
    fn an_inline_call_never_overtakes_a_waiting_one(lists in vec(vec(step(), 1..200), 2)) {
        let waiting = |step: &Step| Waiting { writes: *step == Step::Change, ..Waiting::default() };
        let watch = Arc::new(Watch {
            waiting: lists.iter().flatten().map(waiting).collect(),
            queued: AtomicU64::new(0),
            inline: AtomicU64::new(0),
            overtaken: AtomicU64::new(0),
        });
        let factory = Arc::clone(&watch);
        let held = in_process(move || Counter { watch: Arc::clone(&factory), count: 0 });
        // From now on it is known that they are short.
        let known = (held.call(Counter_Peek { before: 0 }), held.call(Counter_Tick { before: 0 }));
        prop_assert!(known.0.is_ok() && known.1.is_ok());
        std::thread::scope(|scope| {
            for (list, first) in lists.iter().zip([0, lists[0].len()]) {
                let (counter, watch) = (held.service().clone(), &watch);
                scope.spawn(move || {
                    CALLS.set(true);
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    runtime.block_on(caller(&counter, watch, first, list));
                });
            }
        });
        prop_assert_eq!(watch.overtaken.load(Ordering::SeqCst), 0);
        let stats = held.service().stats();
        let inline: u64 = stats.iter().map(|stats| stats.inline).sum();
        prop_assert_eq!(watch.inline.load(Ordering::SeqCst), inline, "what ran on a caller's thread was inline");
    }
}
