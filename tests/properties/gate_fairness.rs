//! A reader waits for at most one writer phase, however many writers come, and a writer runs
//! however many readers come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox::testing::{InProcess, in_process};
use callbox::{ServiceRef, service};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::sleep;

use crate::observed_service;

/// Writers that have begun, and by reader how many had when it was in its mailbox.
struct Phases {
    begun: AtomicU64,
    /// `u64::MAX` while that is not known: a reader may start before its caller has looked.
    when_queued: Vec<AtomicU64>,
    most: AtomicU64,
    /// The reader that came in last.
    came_in: AtomicU64,
    glances: AtomicU64,
}

impl Phases {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: AtomicU64::new(0),
            when_queued: (0..200).map(|_| AtomicU64::new(u64::MAX)).collect(),
            most: AtomicU64::new(0),
            came_in: AtomicU64::new(0),
            glances: AtomicU64::new(0),
        })
    }
}

struct Library {
    phases: Arc<Phases>,
}

#[service(name = "library")]
impl Library {
    #[public_method(in_flight = 200)]
    async fn read(&self, reader: usize, micros: u64) {
        let queued = self.phases.when_queued[reader].load(Ordering::SeqCst);
        let begun = self.phases.begun.load(Ordering::SeqCst);
        self.phases.most.fetch_max(begun.saturating_sub(queued), Ordering::SeqCst);
        sleep(Duration::from_micros(micros)).await;
    }

    /// Is there and gone.
    #[public_method]
    fn glance(&self, spin_micros: u64) {
        observed_service::spin(spin_micros);
        self.phases.glances.fetch_add(1, Ordering::SeqCst);
        self.phases.most.fetch_max(self.phases.begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Stays until the next reader is there, or until that seems not to be admitted.
    #[public_method]
    async fn overlap(&self, reader: u64) {
        self.phases.came_in.store(reader, Ordering::SeqCst);
        let start = Instant::now();
        while self.phases.came_in.load(Ordering::SeqCst) == reader && start.elapsed() < Duration::from_millis(100) {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[public_method]
    async fn write(&mut self, micros: u64) {
        self.phases.begun.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_micros(micros)).await;
    }

    /// Holds the state no longer than it must.
    #[public_method]
    async fn touch(&mut self) {
        tokio::task::yield_now().await;
        self.phases.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// The same as `write` with a mailbox of its own.
    #[public_method]
    async fn rewrite(&mut self, micros: u64) {
        self.write(micros).await;
    }
}

#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    micros: u64,
    pause: Option<u64>,
    leaves: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let pause = prop_oneof![2 => Just(None), 1 => (0..500u64).prop_map(Some)];
    (0..4u8, 0..400u64, pause, proptest::bool::weighted(0.1)).prop_map(|(kind, micros, pause, leaves)| Step {
        kind,
        micros,
        pause,
        leaves,
    })
}

/// Makes the calls one after another, without waiting for their ends.
async fn caller(library: &ServiceRef<Library>, phases: &Phases, first: usize, steps: &[Step]) {
    let mut under_way = FuturesUnordered::new();
    for (step, reader) in steps.iter().zip(first..) {
        let micros = step.micros;
        let mut call = match step.kind {
            0 => library.call(Library_Write { micros }).boxed_local(),
            1 => library.call(Library_Rewrite { micros }).boxed_local(),
            _ => library.call(Library_Read { reader, micros }).boxed_local(),
        };
        if futures::poll!(&mut call).is_ready() {
            continue;
        }
        // It is in its mailbox, so what has begun by now it does not wait for.
        phases.when_queued[reader].store(phases.begun.load(Ordering::SeqCst), Ordering::SeqCst);
        under_way.push(call);
        if let Some(micros) = step.pause {
            let pause = sleep(Duration::from_micros(micros));
            let ends = async { while under_way.next().await.is_some() {} };
            futures::future::select(Box::pin(pause), Box::pin(ends)).await;
        }
        if step.leaves {
            // Whoever is under way just now.
            under_way.clear();
        }
    }
    while let Some(ended) = under_way.next().await {
        assert_eq!(ended, Ok(()));
    }
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn a_reader_waits_for_at_most_one_writer_that_begins_after_it(lists in vec(vec(step(), 1..100), 2)) {
        let (held, phases) = start();
        std::thread::scope(|scope| {
            for (list, first) in lists.iter().zip([0, 100]) {
                let (library, phases) = (held.service().clone(), &phases);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    runtime.block_on(caller(&library, phases, first, list));
                });
            }
        });
        prop_assert!(phases.most.load(Ordering::SeqCst) <= 1, "a reader waited for {:?} writers", phases.most);
    }
}

fn start() -> (InProcess<Library>, Arc<Phases>) {
    let phases = Phases::new();
    let factory = Arc::clone(&phases);
    (in_process(move || Library { phases: Arc::clone(&factory) }), phases)
}

#[test]
fn all_readers_that_a_writer_held_up_go_before_the_next_one_though_they_run_one_after_another() {
    let begun_when_queued = || {
        let (held, phases) = start();
        for _ in 0..4 {
            held.notify(Library_Write { micros: 100_000 }).unwrap();
        }
        let start = Instant::now();
        while phases.begun.load(Ordering::SeqCst) == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "no writer runs");
            std::thread::yield_now();
        }
        (0..100).for_each(|_| held.notify(Library_Glance { spin_micros: 0 }).unwrap());
        let begun = phases.begun.load(Ordering::SeqCst);
        held.wait_idle();
        assert_eq!(phases.glances.load(Ordering::SeqCst), 100);
        (begun, phases.most.load(Ordering::SeqCst))
    };
    // Unless this thread was delayed for so long that not all calls came while the first writer
    // ran.
    let mut rounds = std::iter::repeat_with(begun_when_queued);
    let (_, most) = rounds.find(|(begun, _)| *begun == 1).unwrap();
    assert_eq!(most, 1, "they waited for the writer that was there, and for no other");
}

#[test]
fn a_writer_has_its_turns_beside_a_flood_of_long_readers() {
    const READERS: u64 = 200;
    const WRITERS: u64 = 20;
    let (held, phases) = start();
    held.notify(Library_Write { micros: 20_000 }).unwrap();
    (0..READERS).for_each(|_| held.notify(Library_Glance { spin_micros: 1_000 }).unwrap());
    (1..WRITERS).for_each(|_| held.notify(Library_Touch {}).unwrap());
    let start = Instant::now();
    while phases.begun.load(Ordering::SeqCst) < WRITERS {
        assert!(start.elapsed() < Duration::from_secs(60), "the writers do not run");
        std::thread::yield_now();
    }
    let glances = phases.glances.load(Ordering::SeqCst);
    assert!(glances < READERS * 3 / 4, "{glances} long readers went before the last of {WRITERS} writers");
}

#[test]
fn a_writer_runs_however_many_readers_come() {
    const READERS: u64 = 200;
    let (held, phases) = start();
    let (came_in, begun) = (|| phases.came_in.load(Ordering::SeqCst), || phases.begun.load(Ordering::SeqCst) == 1);
    for reader in 1..=READERS {
        held.notify(Library_Overlap { reader }).unwrap();
        if reader == 10 {
            held.notify(Library_Write { micros: 0 }).unwrap();
        }
        // There is always a reader inside, until one is kept out.
        let start = Instant::now();
        while came_in() < reader && !begun() {
            assert!(start.elapsed() < Duration::from_secs(20), "no call runs");
            std::thread::sleep(Duration::from_micros(100));
        }
        if begun() {
            break;
        }
    }
    assert!(came_in() < READERS, "so many came in while the writer waited");
}
