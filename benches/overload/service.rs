//! The service of all subjects: the same methods on the same state.
//!
//! callbox runs them behind its mailboxes; the baselines call the same functions from their actix
//! handlers.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox::service;
use parking_lot::Mutex;

/// The deadline of [`Bench::timed`] and [`Bench::timed_briefly`].
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);

/// Tolerance for a late start: between the check of the deadline and the first line of the method
/// the thread may lose its core.
const LATENESS_TOLERANCE: Duration = Duration::from_millis(1);

/// What the methods have observed. It is outside of the state, so that it can be read while the
/// service is busy and after it has crashed.
#[derive(Debug)]
pub(crate) struct Observations {
    epoch: Instant,
    /// The run is over: methods that are still queued return at once.
    is_finished: AtomicBool,
    /// Number of calls of the timed methods that started after their deadline.
    pub(crate) late: AtomicU64,
    /// Number of writers that have started.
    pub(crate) writers: AtomicU64,
    /// Maximum number of writers that started between the arrival of a reader and its start.
    pub(crate) writer_phases: AtomicU64,
    /// The clients whose call ran.
    pub(crate) ran: Mutex<Vec<u32>>,
}

impl Observations {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            is_finished: AtomicBool::new(false),
            late: AtomicU64::new(0),
            writers: AtomicU64::new(0),
            writer_phases: AtomicU64::new(0),
            ran: Mutex::new(Vec::new()),
        })
    }

    /// Returns the current time, as a message can carry it.
    pub(crate) fn stamp(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn end(&self) {
        self.is_finished.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Relaxed)
    }
}

/// Holds the thread for the given time.
pub(crate) fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        spin_loop();
    }
}

/// The state of the service.
pub(crate) struct Bench {
    observations: Arc<Observations>,
    count: u64,
}

impl Bench {
    pub(crate) fn new(observations: &Arc<Observations>) -> Self {
        Self { observations: Arc::clone(observations), count: 0 }
    }

    fn hold(&self, micros: u64) {
        if !self.observations.is_finished() {
            spin(Duration::from_micros(micros));
        }
    }

    fn note_lateness(&self, sent: u64) {
        let age = self.observations.stamp().saturating_sub(sent);
        if !self.observations.is_finished() && Duration::from_nanos(age) > DEADLINE + LATENESS_TOLERANCE {
            self.observations.late.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[service(name = "bench", vis = "pub(crate)")]
impl Bench {
    /// Trivial, shares the state.
    #[public_method]
    pub(crate) fn ping(&self) -> u64 {
        self.count
    }

    /// Trivial, with exclusive access to the state.
    #[public_method]
    pub(crate) fn add(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Holds the thread, with exclusive access to the state.
    #[public_method]
    pub(crate) fn work(&mut self, micros: u64) {
        self.hold(micros);
    }

    /// The same with a deadline, and the default mailbox. `sent` is when it was called.
    #[public_method(deadline = "200ms")]
    pub(crate) fn timed(&mut self, micros: u64, sent: u64) {
        self.note_lateness(sent);
        self.hold(micros);
    }

    /// The same for callers that prefer a rejection to a long wait.
    #[public_method(deadline = "200ms", max_wait = "5ms")]
    pub(crate) fn timed_briefly(&mut self, micros: u64, sent: u64) {
        self.note_lateness(sent);
        self.hold(micros);
    }

    /// Holds the thread, shares the state.
    #[public_method]
    pub(crate) fn read(&self, micros: u64) {
        self.hold(micros);
    }

    /// The same as an async method.
    #[public_method]
    pub(crate) async fn read_async(&self, micros: u64) {
        self.hold(micros);
    }

    /// Waits and shares the state. `seen` is the number of writers that had started when it was
    /// called.
    #[public_method]
    pub(crate) async fn slow_read(&self, millis: u64, seen: u64) {
        let phases = self.observations.writers.load(Ordering::Relaxed) - seen;
        self.observations.writer_phases.fetch_max(phases, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Waits, with exclusive access to the state.
    #[public_method]
    pub(crate) async fn slow_write(&mut self, millis: u64) {
        self.observations.writers.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.count += 1;
    }

    /// Panics if `panics` is set.
    #[public_method]
    pub(crate) fn risky(&self, panics: bool) {
        self.hold(10);
        if panics {
            std::panic::panic_any(DELIBERATE_PANIC);
        }
    }

    /// Keeps the thread busy, so that other calls are queued.
    #[public_method]
    pub(crate) fn block(&mut self, millis: u64) {
        self.hold(millis * 1000);
    }

    /// Records that the call of this client ran.
    #[public_method]
    pub(crate) fn note(&mut self, client: u32) {
        self.observations.ran.lock().push(client);
    }
}

/// The payload of a deliberate panic, which the panic hook of the bench does not report.
pub(crate) const DELIBERATE_PANIC: &str = "culprit";
