//! The worker pool for methods without state.

use std::fmt;
use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::job::Job;
use crate::log::{caught, discard};
use crate::mailbox::BoundedCounter;
use crate::sync::{Arc, Mutex};

type Work = Box<dyn FnOnce() + Send>;

/// The worker pool of a server.
#[derive(Clone)]
pub(crate) struct Pool {
    /// The threads take work from the other end, and end when this end is dropped. Unbounded, since
    /// each service limits its number of calls in it.
    work: Sender<Work>,
    threads: usize,
}

impl Pool {
    /// Creates a pool of this many threads, which must not be zero.
    ///
    /// # Errors
    /// If the operating system provides no more threads.
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        let (work, queue) = unbounded();
        for number in 0..threads {
            let queue = queue.clone();
            thread::Builder::new().name(format!("callbox-compute-{number}")).spawn(move || run_all(&queue))?;
        }
        Ok(Self { work, threads })
    }

    pub(crate) fn threads(&self) -> u32 {
        u32::try_from(self.threads).unwrap_or(u32::MAX)
    }

    fn spawn(&self, run: impl FnOnce() + Send + 'static) {
        // An error is impossible: the threads live as long as the pool.
        let _ = self.work.send(Box::new(run));
    }
}

fn run_all(queue: &Receiver<Work>) {
    for run in queue {
        // Panics of methods are caught where they run. This catches a parameter whose drop panics.
        if let Err(panic) = caught(run) {
            log_error!("a thread of the worker pool panicked outside of a method");
            discard(panic);
        }
    }
}

/// The worker pool as one service uses it.
///
/// At most as many of its calls are in the pool as the pool has threads. The others wait in their
/// mailboxes, where they can still expire or be abandoned.
pub(crate) struct ServicePool {
    pool: Pool,
    busy: Arc<BoundedCounter>,
    /// Calls in the pool.
    running: Mutex<Vec<Arc<dyn Job>>>,
}

impl ServicePool {
    pub(crate) fn new(pool: Pool) -> Self {
        let busy = Arc::new(BoundedCounter::new(pool.threads));
        Self { pool, busy, running: Mutex::new(Vec::new()) }
    }

    /// Takes the right to put one call into the pool.
    pub(crate) fn permit(&self) -> Option<PoolPermit> {
        self.busy.try_acquire(1).then(|| PoolPermit(Arc::clone(&self.busy)))
    }

    /// Puts a call into the pool, where `run` runs it.
    pub(crate) fn spawn(&self, job: Arc<dyn Job>, run: impl FnOnce() + Send + 'static) {
        self.running.lock().push(job);
        self.pool.spawn(run);
    }

    /// Notes that a call has left the pool.
    pub(crate) fn ended(&self, job: &Arc<dyn Job>) {
        self.running.lock().retain(|running| !Arc::ptr_eq(running, job));
    }

    /// Answers -32603 to the calls in the pool.
    pub(crate) fn cut_off(&self) {
        let running = self.running.lock().clone();
        running.iter().for_each(|job| job.cut_off());
    }

    /// Whether the service has no call in the pool.
    pub(crate) fn is_idle(&self) -> bool {
        self.busy.in_use() == 0
    }
}

impl fmt::Debug for ServicePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServicePool").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// The right to have one call in the pool, until it is dropped.
#[derive(Debug)]
pub(crate) struct PoolPermit(Arc<BoundedCounter>);

impl Drop for PoolPermit {
    fn drop(&mut self) {
        self.0.release(1);
    }
}
