//! The worker pool for methods without state.

use std::fmt;
use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::job::Job;
use crate::log::{caught, discard};
use crate::mailbox::Limit;
use crate::sync::{Arc, Mutex};

type Work = Box<dyn FnOnce() + Send>;

/// The worker pool of a server.
#[derive(Clone)]
pub(crate) struct Pool {
    /// The threads take from the other end, and end when there is no pool any more. Each service has a limited number of calls
    /// in it.
    work: Sender<Work>,
    threads: usize,
}

impl Pool {
    /// A pool of this many threads, which must not be zero.
    ///
    /// # Errors
    /// If the operating system gives no more threads.
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
        // The threads are there for as long as the pool is.
        let _ = self.work.send(Box::new(run));
    }
}

fn run_all(queue: &Receiver<Work>) {
    for run in queue {
        // Methods are caught before it comes to this; a parameter whose drop panics is not.
        if let Err(panic) = caught(run) {
            log_error!("a thread of the worker pool panicked outside of a method");
            discard(panic);
        }
    }
}

/// The worker pool as one service uses it: it has as many calls on it as the pool has threads, the others wait in their
/// mailboxes, where they can still be given up.
pub(crate) struct Workers<C: ?Sized> {
    pool: Pool,
    busy: Arc<Limit>,
    /// What runs on the pool.
    running: Mutex<Vec<Arc<dyn Job<C>>>>,
}

impl<C: ?Sized> Workers<C> {
    pub(crate) fn new(pool: Pool) -> Self {
        let busy = Arc::new(Limit::new(pool.threads));
        Self { pool, busy, running: Mutex::new(Vec::new()) }
    }

    /// The right to put one call on the pool.
    pub(crate) fn place(&self) -> Option<Place> {
        self.busy.take(1).then(|| Place(Arc::clone(&self.busy)))
    }

    /// Puts a call on the pool: `run` runs it.
    pub(crate) fn spawn(&self, job: Arc<dyn Job<C>>, run: impl FnOnce() + Send + 'static) {
        self.running.lock().push(job);
        self.pool.spawn(run);
    }

    /// A call is off the pool.
    pub(crate) fn ended(&self, job: &Arc<dyn Job<C>>) {
        self.running.lock().retain(|running| !Arc::ptr_eq(running, job));
    }

    /// Answers -32603 to what runs.
    pub(crate) fn cut_off(&self) {
        let running = self.running.lock().clone();
        running.iter().for_each(|job| job.cut_off());
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.busy.used() == 0
    }
}

impl<C: ?Sized> fmt::Debug for Workers<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// A call on the pool, until dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Limit>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.give_back(1);
    }
}
