//! The worker pool for methods without state.

use std::fmt;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::mailbox::Limit;
use crate::sync::Arc;

/// The worker pool of a server, as one service uses it: it has as many calls on it as the pool has threads, the others wait in
/// their mailboxes, where they can still be given up.
#[derive(Clone)]
pub(crate) struct Pool {
    threads: Arc<ThreadPool>,
    busy: Arc<Limit>,
}

impl Pool {
    /// A pool of this many threads, which must not be zero.
    pub(crate) fn new(threads: usize) -> Result<Self, rayon_core::ThreadPoolBuildError> {
        let name = |number| format!("callbox-compute-{number}");
        // Methods are caught before it comes to this. Without a handler, a parameter whose drop panics would end the process.
        let panicked = |_| log_error!("a thread of the worker pool panicked outside of a method");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).panic_handler(panicked).build()?;
        Ok(Self { threads: Arc::new(pool), busy: Arc::new(Limit::new(threads)) })
    }

    /// The same threads for another service.
    pub(crate) fn for_another_service(&self) -> Self {
        Self { threads: Arc::clone(&self.threads), busy: Arc::new(Limit::new(self.busy.most())) }
    }

    pub(crate) fn threads(&self) -> u32 {
        u32::try_from(self.busy.most()).unwrap_or(u32::MAX)
    }

    /// The right to put one call on the pool.
    pub(crate) fn place(&self) -> Option<Place> {
        self.busy.take(1).then(|| Place(Arc::clone(&self.busy)))
    }

    pub(crate) fn spawn(&self, run: impl FnOnce() + Send + 'static) {
        self.threads.spawn_fifo(run);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.busy.used() == 0
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
