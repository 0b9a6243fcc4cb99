//! The real engine under random loads: whatever happens, every call that was let in ends exactly once, and the rules of sharing
//! hold.
//!
//! Each run makes a service, sends it random calls from two threads, and compares what the service saw with what its callers
//! were told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::testing::in_process;
use callbox::{Internal, Placement, RpcError, ServiceRef, service};
use futures::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::sleep;

/// What the service saw.
#[derive(Default)]
struct Seen {
    /// By call: how often it started.
    started: Mutex<HashMap<u32, u32>>,
    /// In the order of their starts, the ordered notifications.
    order: Mutex<Vec<u32>>,
    /// Readers inside, or -1 for a writer.
    inside: AtomicI64,
    overlap: AtomicBool,
}

impl Seen {
    fn start(&self, call: u32) {
        *self.started.lock().unwrap().entry(call).or_default() += 1;
    }

    fn read(self: &Arc<Self>) -> Inside {
        if self.inside.fetch_add(1, Ordering::SeqCst) < 0 {
            self.overlap.store(true, Ordering::SeqCst);
        }
        Inside(Arc::clone(self), 1)
    }

    fn write(self: &Arc<Self>) -> Inside {
        if self.inside.fetch_sub(1_000_000, Ordering::SeqCst) != 0 {
            self.overlap.store(true, Ordering::SeqCst);
        }
        Inside(Arc::clone(self), -1_000_000)
    }
}

/// Inside until dropped, also by a panic or a cancellation.
struct Inside(Arc<Seen>, i64);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(self.1, Ordering::SeqCst);
    }
}

struct Busy {
    seen: Arc<Seen>,
}

#[service(name = "busy")]
impl Busy {
    #[public_method(mailbox = 8)]
    fn read(&self, call: u32, spin: u64) -> u32 {
        let _inside = self.seen.read();
        self.seen.start(call);
        busy_for(spin);
        call
    }

    #[public_method(mailbox = 8)]
    fn write(&mut self, call: u32, spin: u64) -> u32 {
        let _inside = self.seen.write();
        self.seen.start(call);
        busy_for(spin);
        call
    }

    #[public_method(mailbox = 8, in_flight = 3)]
    async fn read_later(&self, call: u32, wait: u64) -> u32 {
        let _inside = self.seen.read();
        self.seen.start(call);
        sleep(Duration::from_micros(wait)).await;
        call
    }

    #[public_method(mailbox = 8)]
    async fn write_later(&mut self, call: u32, wait: u64) -> u32 {
        let _inside = self.seen.write();
        self.seen.start(call);
        sleep(Duration::from_micros(wait)).await;
        call
    }

    #[public_method(mailbox = 8)]
    fn fail(&self, call: u32) -> Result<u32, Internal> {
        self.seen.start(call);
        Err(Internal::new("on purpose"))
    }

    #[public_method(mailbox = 8)]
    fn panic(&self, call: u32) -> u32 {
        self.seen.start(call);
        panic!("on purpose");
    }

    #[public_method(mailbox = 8, on_panic = "keep")]
    fn panic_writing(&mut self, call: u32) -> u32 {
        let _inside = self.seen.write();
        self.seen.start(call);
        panic!("on purpose");
    }

    #[public_method(mailbox = 8, compute)]
    fn grind(call: u32) -> u32 {
        call
    }

    /// One mailbox for both, so that all of them run in the order of their pushes.
    #[public_method(mailbox = 1024, mailbox_group = "ordered")]
    fn ordered(&mut self, number: u32) {
        self.seen.order.lock().unwrap().push(number);
    }

    #[public_method(mailbox = 1024, mailbox_group = "ordered")]
    async fn ordered_later(&mut self, number: u32) {
        self.seen.order.lock().unwrap().push(number);
        tokio::task::yield_now().await;
    }
}

fn busy_for(micros: u64) {
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
}

/// One call of a load: what, for how long, and after what time its caller leaves, if it does.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    micros: u64,
    leaves_after: Option<u64>,
    pause: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let leaves = prop_oneof![3 => Just(None), 1 => (0..400u64).prop_map(Some)];
    (0..9u8, 0..300u64, leaves, any::<bool>()).prop_map(|(kind, micros, leaves_after, pause)| Step {
        kind,
        micros,
        leaves_after,
        pause,
    })
}

/// How a call ended for its caller. `None`: the caller left.
type Told = Option<Result<u32, i32>>;

async fn call(busy: &ServiceRef<Busy>, call: u32, step: &Step) -> Told {
    let micros = step.micros;
    let reply = async {
        let reply = match step.kind {
            0 => busy.call(Read { call, spin: micros }).await,
            1 => busy.call(Write { call, spin: micros }).await,
            2 | 3 => busy.call(ReadLater { call, wait: micros }).await,
            4 => busy.call(WriteLater { call, wait: micros }).await,
            5 => busy.call(Fail { call }).await,
            6 => busy.call(Panic { call }).await,
            7 => busy.call(PanicWriting { call }).await,
            _ => busy.call(Grind { call }).await,
        };
        reply.map_err(|error: RpcError| error.code())
    };
    match step.leaves_after {
        None => Some(reply.await),
        Some(micros) => tokio::time::timeout(Duration::from_micros(micros), reply).await.ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_once_and_the_callers_know_how(loads in vec(vec(step(), 1..80), 2), inline in any::<bool>()) {
        let seen = Arc::new(Seen::default());
        let factory = Arc::clone(&seen);
        let placement = if inline { Placement::Inline } else { Placement::Actor };
        let held = callbox::testing::in_process_with(move || Busy { seen: Arc::clone(&factory) }, move |server| server.placement(placement));
        let busy = held.service().clone();

        let threads: Vec<_> = loads.iter().cloned().enumerate().map(|(thread, load)| {
            let busy = busy.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(async move {
                    let calls = load.into_iter().enumerate().map(|(index, step)| {
                        let (busy, number) = (&busy, (thread * 1000 + index) as u32);
                        async move {
                            if step.pause {
                                sleep(Duration::from_micros(index as u64 * 10)).await;
                            }
                            let told = call(busy, number, &step).await;
                            for stats in busy.stats() {
                                assert!(stats.depth <= stats.capacity, "{stats:?}");
                            }
                            (number, step.kind, told)
                        }
                    });
                    join_all(calls).await
                })
            })
        }).collect();
        let told: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        held.settled();

        prop_assert!(!seen.overlap.load(Ordering::SeqCst), "a writer met somebody");
        prop_assert_eq!(seen.inside.load(Ordering::SeqCst), 0);
        let started = seen.started.lock().unwrap();
        for (number, kind, told) in &told {
            let starts = started.get(number).copied().unwrap_or(0);
            match told {
                // The pool's calls do not tell the service.
                Some(Ok(answer)) => prop_assert!(answer == number && (starts == 1 || *kind == 8)),
                Some(Err(-32603)) => prop_assert!(starts == 1 && matches!(kind, 5..=7), "{} {}", number, kind),
                Some(Err(-32000)) => prop_assert_eq!(starts, 0, "turned away, so never started"),
                Some(Err(code)) => prop_assert!(false, "{} was told {}", number, code),
                None => prop_assert!(starts <= 1),
            }
        }
        let stats = busy.stats();
        let count = |pick: fn(&callbox::MethodStats) -> u64| stats.iter().map(pick).sum::<u64>();
        let answered = told.iter().filter(|(_, _, told)| matches!(told, Some(Ok(_)))).count() as u64;
        let refused = told.iter().filter(|(_, _, told)| matches!(told, Some(Err(-32000)))).count() as u64;
        prop_assert_eq!(count(|s| s.refused), refused);
        prop_assert!(count(|s| s.answered) >= answered, "a caller may leave an answer behind");
        let ended = count(|s| s.answered + s.failed + s.panicked + s.refused + s.expired + s.abandoned);
        prop_assert!(ended <= told.len() as u64, "each call ends once: {:?}", stats);
        prop_assert_eq!(count(|s| s.inline + s.queued) + refused, ended, "and each that began has ended: {:?}", stats);
        prop_assert!(stats.iter().all(|stats| stats.depth == 0));
    }

    #[test]
    fn one_mailbox_keeps_the_order_of_its_calls(kinds in vec(any::<bool>(), 1..200)) {
        let seen = Arc::new(Seen::default());
        let factory = Arc::clone(&seen);
        let held = in_process(move || Busy { seen: Arc::clone(&factory) });
        for (number, later) in kinds.iter().enumerate() {
            let number = number as u32;
            let sent = if *later { held.notify(OrderedLater { number }) } else { held.notify(Ordered { number }) };
            prop_assert!(sent.is_ok());
        }
        held.settled();
        let order = seen.order.lock().unwrap();
        prop_assert!(order.iter().copied().eq(0..kinds.len() as u32), "{order:?}");
    }
}
