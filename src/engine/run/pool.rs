//! The worker pool for methods without state.

use std::fmt;
use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::log::{caught, discard};
use crate::mailbox::Limit;
use crate::sync::Arc;

type Job = Box<dyn FnOnce() + Send>;

/// The worker pool of a server, as one service uses it: it has as many calls on it as the pool has threads, the others wait in
/// their mailboxes, where they can still be given up.
#[derive(Clone)]
pub(crate) struct Pool {
    /// The threads take from the other end, and end when there is no pool any more. Each service has a limited number of calls
    /// in it.
    jobs: Sender<Job>,
    busy: Arc<Limit>,
}

impl Pool {
    /// A pool of this many threads, which must not be zero.
    ///
    /// # Errors
    /// If the operating system gives no more threads.
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        let (jobs, queue) = unbounded();
        for number in 0..threads {
            let queue = queue.clone();
            thread::Builder::new().name(format!("callbox-compute-{number}")).spawn(move || run_all(&queue))?;
        }
        Ok(Self { jobs, busy: Arc::new(Limit::new(threads)) })
    }

    /// The same threads for another service.
    pub(crate) fn for_another_service(&self) -> Self {
        Self { jobs: self.jobs.clone(), busy: Arc::new(Limit::new(self.busy.most())) }
    }

    pub(crate) fn threads(&self) -> u32 {
        u32::try_from(self.busy.most()).unwrap_or(u32::MAX)
    }

    /// The right to put one call on the pool.
    pub(crate) fn place(&self) -> Option<Place> {
        self.busy.take(1).then(|| Place(Arc::clone(&self.busy)))
    }

    pub(crate) fn spawn(&self, run: impl FnOnce() + Send + 'static) {
        // The threads are there for as long as the pool is.
        let _ = self.jobs.send(Box::new(run));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.busy.used() == 0
    }
}

fn run_all(queue: &Receiver<Job>) {
    for job in queue {
        // Methods are caught before it comes to this; a parameter whose drop panics is not.
        if let Err(panic) = caught(job) {
            log_error!("a thread of the worker pool panicked outside of a method");
            discard(panic);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("busy", &self.busy).finish_non_exhaustive()
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
