//! A call in its mailbox: a job, and how it is started.

use std::fmt;

use tokio::time::Instant;

use crate::mailbox::QueueItem;
use crate::sync::Arc;

use super::core::AnyCore;
use super::job::{Job, JobStart};

/// Takes what the method of a call needs, and starts it. A sync method has ended when this returns.
pub(super) type StartJob = fn(Arc<dyn Job>, &Arc<AnyCore>, Instant) -> JobStart;

/// An item of a mailbox.
#[derive(Clone)]
pub(crate) struct QueuedJob {
    pub(crate) job: Arc<dyn Job>,
    /// How a call of its type and of its service starts.
    pub(super) start: StartJob,
}

impl QueuedJob {
    pub(crate) fn start(self, core: &Arc<AnyCore>, now: Instant) -> JobStart {
        (self.start)(self.job, core, now)
    }
}

impl QueueItem for QueuedJob {
    fn is_live(&self) -> bool {
        self.job.is_queued()
    }
}

impl fmt::Debug for QueuedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueuedJob")
    }
}
