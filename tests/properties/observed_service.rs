//! A service that notes what it sees of its calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callbox::{InternalError, service};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// What the service saw, across its restarts.
pub(crate) struct Seen {
    /// By call: how often it started.
    started: Mutex<HashMap<u32, u32>>,
    /// Readers inside, or far below zero for a writer.
    inside: AtomicI64,
    /// A writer met somebody.
    pub(crate) overlap: AtomicBool,
    /// Somebody met a state that a writer had left half-way.
    pub(crate) torn: AtomicBool,
    /// A call started after `on_stop`.
    pub(crate) late: AtomicBool,
    pub(crate) stops: AtomicU32,
    /// Calls that have the state alone until the test lets them go.
    pub(crate) held: AtomicU32,
    pub(crate) gate: Semaphore,
}

impl Default for Seen {
    fn default() -> Self {
        let (started, gate) = (Mutex::default(), Semaphore::new(0));
        let [overlap, torn, late] = [(); 3].map(|()| AtomicBool::default());
        let [stops, held] = [(); 2].map(|()| AtomicU32::default());
        Self { started, inside: AtomicI64::default(), overlap, torn, late, stops, held, gate }
    }
}

impl Seen {
    pub(crate) fn starts(&self, call: u32) -> u32 {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).get(&call).copied().unwrap_or(0)
    }

    pub(crate) fn inside(&self) -> i64 {
        self.inside.load(Ordering::SeqCst)
    }

    fn start(self: &Arc<Self>, call: u32, whole: bool, amount: i64) -> Inside {
        *self.started.lock().unwrap_or_else(PoisonError::into_inner).entry(call).or_default() += 1;
        let before = self.inside.fetch_add(amount, Ordering::SeqCst);
        let alone = amount != READER;
        self.overlap.fetch_or(before < 0 || (alone && before != 0), Ordering::SeqCst);
        self.torn.fetch_or(!whole, Ordering::SeqCst);
        self.late.fetch_or(self.stops.load(Ordering::SeqCst) > 0, Ordering::SeqCst);
        Inside(Arc::clone(self), amount)
    }
}

const READER: i64 = 1;
const WRITER: i64 = -1_000_000;

/// Inside until dropped, also by a panic or a cancellation.
struct Inside(Arc<Seen>, i64);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(self.1, Ordering::SeqCst);
    }
}

/// By load and call: calls that started on the worker pool, which has no state to note them in.
static ON_POOL: Mutex<Vec<(u64, u32)>> = Mutex::new(Vec::new());

pub(crate) fn starts_on_pool(load: u64, call: u32) -> u32 {
    let on_pool = ON_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    on_pool.iter().filter(|started| **started == (load, call)).count() as u32
}

pub(crate) struct Busy {
    seen: Arc<Seen>,
    /// False while a writer is half-way.
    whole: bool,
}

impl Busy {
    pub(crate) fn new(seen: &Arc<Seen>) -> Self {
        Self { seen: Arc::clone(seen), whole: true }
    }

    fn reads(&self, call: u32) -> Inside {
        self.seen.start(call, self.whole, READER)
    }

    fn writes(&mut self, call: u32) -> Inside {
        let inside = self.seen.start(call, self.whole, WRITER);
        self.whole = false;
        inside
    }
}

#[service(name = "busy")]
impl Busy {
    #[on_stop]
    async fn end(&mut self) {
        tokio::task::yield_now().await;
        let before = self.seen.inside();
        self.seen.overlap.fetch_or(before != 0, Ordering::SeqCst);
        self.seen.torn.fetch_or(!self.whole, Ordering::SeqCst);
        self.seen.stops.fetch_add(1, Ordering::SeqCst);
    }

    #[public_method]
    pub(crate) async fn hold(&mut self) {
        self.seen.held.fetch_add(1, Ordering::SeqCst);
        self.seen.gate.acquire().await.expect("it stays open").forget();
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) fn read(&self, call: u32, micros: u64) -> u32 {
        let _inside = self.reads(call);
        spin(micros);
        call
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) fn write(&mut self, call: u32, micros: u64) -> u32 {
        let _inside = self.writes(call);
        spin(micros);
        self.whole = true;
        call
    }

    #[public_method(mailbox = 8, per_caller = 8, in_flight = 3)]
    pub(crate) async fn read_later(&self, call: u32, micros: u64) -> u32 {
        let _inside = self.reads(call);
        sleep(Duration::from_micros(micros)).await;
        call
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) async fn write_later(&mut self, call: u32, micros: u64) -> u32 {
        let _inside = self.writes(call);
        sleep(Duration::from_micros(micros)).await;
        self.whole = true;
        call
    }

    #[public_method(mailbox = 8, per_caller = 8, deadline = "2ms")]
    pub(crate) async fn read_hurried(&self, call: u32, micros: u64) -> u32 {
        self.read_later(call, micros * 10).await
    }

    #[public_method(mailbox = 8, per_caller = 8, deadline = "2ms")]
    pub(crate) async fn write_hurried(&mut self, call: u32, micros: u64) -> u32 {
        self.write_later(call, micros * 10).await
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) fn fail(&self, call: u32) -> Result<u32, InternalError> {
        let _inside = self.reads(call);
        Err(InternalError::new("on purpose"))
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) fn panic_reading(&self, call: u32) -> u32 {
        let _inside = self.reads(call);
        panic!("on purpose");
    }

    #[public_method(mailbox = 8, per_caller = 8, on_panic = "keep")]
    pub(crate) fn panic_keeping(&mut self, call: u32) -> u32 {
        let _inside = self.writes(call);
        self.whole = true;
        panic!("on purpose");
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) fn panic_writing(&mut self, call: u32) -> u32 {
        let _inside = self.writes(call);
        panic!("on purpose");
    }

    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) async fn panic_writing_later(&mut self, call: u32) -> u32 {
        let _inside = self.writes(call);
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    /// Ends the host's thread, with the state whole or half-written.
    #[public_method(mailbox = 8, per_caller = 8)]
    pub(crate) async fn lose_thread(&mut self, call: u32, half_way: bool) -> u32 {
        let _inside = self.writes(call);
        actix::Arbiter::current().stop();
        if half_way {
            std::future::pending::<()>().await;
        }
        self.whole = true;
        call
    }

    #[public_method(mailbox = 8, per_caller = 8, compute)]
    pub(crate) fn grind(load: u64, call: u32, micros: u64) -> u32 {
        ON_POOL.lock().unwrap_or_else(PoisonError::into_inner).push((load, call));
        spin(micros);
        call
    }
}

/// Holds the thread.
pub(crate) fn spin(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
}
