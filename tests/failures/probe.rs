//! What a test sees of a service from outside, across restarts, and how it holds and releases
//! calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use callbox_test_support::wait::until;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Maximum time that a call is held. Then it panics, so that no test hangs.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) struct Probe {
    /// What `compute` methods, which have no state, find it by.
    pub(crate) id: u64,
    /// States that the factory made.
    pub(crate) made: Count,
    /// Calls that ran, of the methods that count.
    pub(crate) ran: Count,
    /// Calls that are held, or were.
    pub(crate) entered: Count,
    /// Futures of async methods that ended or were dropped after they were held.
    pub(crate) left: Count,
    /// Runs of `on_stop`, and the value that the last one found.
    pub(crate) stops: Count,
    pub(crate) stopped_with: AtomicU64,
    /// Makes the factory panic.
    pub(crate) barren: AtomicBool,
    /// Makes `on_start` fail.
    pub(crate) unwell: AtomicBool,
    /// What was appended, in the order in which it was.
    pub(crate) log: Mutex<Vec<u32>>,
    /// What happens once, while a [`Trap`](crate::shaky_service::Trap) is read.
    pub(crate) trap: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    threads: Semaphore,
    awaits: Semaphore,
    pool: Semaphore,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

static PROBES: Mutex<Option<HashMap<u64, Weak<Probe>>>> = Mutex::new(None);

impl Probe {
    pub(crate) fn new() -> Arc<Self> {
        let mut probes = PROBES.lock().unwrap_or_else(PoisonError::into_inner);
        let probes = probes.get_or_insert_default();
        let id = probes.len() as u64;
        let probe = Arc::new(Self {
            id,
            made: Count::default(),
            ran: Count::default(),
            entered: Count::default(),
            left: Count::default(),
            stops: Count::default(),
            stopped_with: AtomicU64::default(),
            barren: AtomicBool::default(),
            unwell: AtomicBool::default(),
            log: Mutex::default(),
            trap: Mutex::default(),
            threads: Semaphore::new(0),
            awaits: Semaphore::new(0),
            pool: Semaphore::new(0),
        });
        probes.insert(id, Arc::downgrade(&probe));
        probe
    }

    /// The probe with this number.
    pub(crate) fn find(id: u64) -> Arc<Self> {
        let probes = PROBES.lock().unwrap_or_else(PoisonError::into_inner);
        probes.as_ref().and_then(|probes| probes.get(&id)?.upgrade()).expect("a probe lives as long as its test")
    }

    /// Holds the service's thread until the test lets it go.
    pub(crate) fn hold_thread(&self) {
        self.hold_until(&self.threads);
    }

    /// Holds a thread of the worker pool until the test lets it go.
    pub(crate) fn hold_pool(&self) {
        self.hold_until(&self.pool);
    }

    fn hold_until(&self, let_go: &Semaphore) {
        self.entered.add();
        let start = Instant::now();
        // Never a short method: those may run where they are called.
        loop {
            std::thread::sleep(Duration::from_millis(1));
            if let_go.try_acquire().map(SemaphorePermit::forget).is_ok() {
                return;
            }
            assert!(start.elapsed() < LONGEST, "never let go");
        }
    }

    /// Waits at an await until the test lets it go.
    pub(crate) async fn hold_await(&self) {
        let _left = Leaves(&self.left);
        self.entered.add();
        let permit = tokio::time::timeout(LONGEST, self.awaits.acquire()).await.expect("never let go");
        permit.expect("the probe does not close it").forget();
    }

    pub(crate) fn let_thread_go(&self) {
        self.threads.add_permits(1);
    }

    pub(crate) fn let_pool_go(&self, calls: usize) {
        self.pool.add_permits(calls);
    }

    pub(crate) fn let_awaits_go(&self, calls: usize) {
        self.awaits.add_permits(calls);
    }

    /// Holds nothing any more.
    pub(crate) fn let_all_go(&self) {
        for held in [&self.threads, &self.awaits, &self.pool] {
            held.add_permits(1 << 20);
        }
    }

    /// Waits until this number of calls has been held in total.
    #[track_caller]
    pub(crate) fn until_entered(&self, calls: u64) {
        until(&format!("{calls} calls have begun"), || self.entered.get() >= calls);
        assert_eq!(self.entered.get(), calls, "calls have begun that should not");
    }
}

/// Counts when it is dropped.
struct Leaves<'a>(&'a Count);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.add();
    }
}
