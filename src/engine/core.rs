//! What the callers' side and the host of one service share.

use std::fmt;

use crate::mailbox::{Admission, Limit, Quota};
use crate::service::{Service, ServiceId};
use crate::sync::Arc;

use super::idle::Idle;
use super::lifecycle::Lifecycle;
use super::mailboxes::Mailboxes;
use super::run::in_flight::SERVICE_IN_FLIGHT;
use super::run::pool::{Pool, Workers};
use super::state::{Desk, StateLock};
use super::table::{Engine, Table};

/// Where calls run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Where they arrive, when the service is idle and the method is short; on the service's own thread otherwise. The default.
    #[default]
    Inline,
    /// Always on the service's own thread, as with a plain actor.
    Actor,
}

choice!(Placement, "placement" { "inline" = Inline, "actor" = Actor });

/// Everything of one service that is not on the host's own thread.
pub(crate) struct Core<S: Service> {
    pub(crate) id: ServiceId,
    pub(crate) placement: Placement,
    pub(crate) table: Table,
    pub(crate) lifecycle: Lifecycle,
    // What lets calls in, and where they wait.
    pub(crate) admission: Admission,
    pub(crate) mailboxes: Mailboxes<Self>,
    pub(crate) quota: Arc<Quota>,
    // What calls need to run.
    pub(crate) state: StateLock<S>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) in_flight: Arc<Limit>,
    pub(crate) workers: Workers<Self>,
    pub(crate) idle: Idle,
}

impl<S: Service> Core<S> {
    /// The service's methods and mailboxes, which take calls; nothing runs yet.
    pub(crate) fn new(pool: Pool, placement: Placement) -> Arc<Self> {
        let (table, Engine { mailboxes, quota, bell }) = Table::of_service::<S, _>();
        let admission = Admission::new(mailboxes.iter(), pool.threads());
        let desk = Desk::new(Arc::clone(&bell));
        let mailboxes = Mailboxes::new(mailboxes, Arc::clone(&bell));
        mailboxes.open();
        Arc::new(Self {
            id: ServiceId::fresh(),
            placement,
            table,
            lifecycle: Lifecycle::new(bell),
            admission,
            mailboxes,
            quota,
            state: StateLock::new(Arc::clone(&desk)),
            desk,
            in_flight: Arc::new(Limit::new(SERVICE_IN_FLIGHT)),
            workers: Workers::new(pool),
            idle: Idle::default(),
        })
    }

    /// The time to drain is over: answers -32003 to what waits, and -32603 to what runs. A sync method, or one on the worker
    /// pool, cannot be ended; its caller can be told.
    pub(crate) fn cut_off(&self) {
        self.mailboxes.cut();
        self.workers.cut_off();
    }

    /// Whether nothing is admitted that has not ended, as far as the mailboxes know.
    pub(crate) fn is_idle(&self) -> bool {
        self.quota.calls() == 0 && self.in_flight.used() == 0 && self.workers.is_idle()
    }
}

impl<S: Service> fmt::Debug for Core<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("service", &S::NAME).field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}
