//! What the callers of one service and its host share.

use std::any::Any;
use std::fmt;
use std::sync::atomic::AtomicBool;

use crate::mailbox::{Admission, BoundedCounter, Quota};
use crate::service::{Service, ServiceId, Surroundings};
use crate::sync::{Arc, Mutex};

use super::any_state_lock::AnyStateLock;
use super::host::tasks::{TaskCounters, TaskSet};
use super::host::thread::HostThread;
use super::idle::Idle;
use super::lifecycle::Lifecycle;
use super::mailboxes::Mailboxes;
use super::run::in_flight::SERVICE_IN_FLIGHT;
use super::run::pool::{Pool, ServicePool};
use super::state::{StateLock, StateSignals};
use super::table::Table;

/// Where the calls of a service run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// On the thread where they arrive, if the service is idle and the method is short; else on the
    /// service's own thread. The default.
    #[default]
    Inline,
    /// Always on the service's own thread, as with a plain actor. Costs some microseconds per call.
    Actor,
}

choice!(Placement, "placement" { "inline" = Inline, "actor" = Actor });

/// Everything of one service that is not confined to the host's thread, with the lock on its state.
pub(crate) struct CoreOf<L: ?Sized> {
    pub(crate) id: ServiceId,
    pub(crate) name: &'static str,
    pub(crate) placement: Placement,
    pub(crate) table: Table,
    pub(crate) lifecycle: Lifecycle,
    // Admission, and where admitted calls wait.
    pub(crate) admission: Admission,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) quota: Arc<Quota>,
    // What a call needs to run.
    pub(crate) signals: Arc<StateSignals>,
    pub(crate) in_flight: Arc<BoundedCounter>,
    pub(crate) pool: ServicePool,
    pub(crate) idle: Idle,
    /// The other services of the server.
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) task_counters: Arc<TaskCounters>,
    /// The thread of the host, while there is one.
    pub(crate) thread: Mutex<Option<HostThread>>,
    /// The tasks of the current state. Here, since a state outlives a thread that is lost.
    pub(crate) tasks: Mutex<Option<Arc<TaskSet>>>,
    /// Whether the service has clients of others, so that its calls may lead to further ones.
    pub(crate) has_clients: Arc<AtomicBool>,
    pub(crate) state: L,
}

/// The core of a service `S`, for its calls.
pub(crate) type Core<S> = CoreOf<StateLock<S>>;

/// The core of any service, for what does not depend on its type. Code for it is compiled once, and
/// not for each service.
pub(crate) type AnyCore = CoreOf<dyn AnyStateLock>;

impl<S: Service> Core<S> {
    /// Creates the methods and mailboxes of a service. The mailboxes take calls from now on;
    /// nothing runs yet.
    pub(crate) fn new(pool: Pool, placement: Placement, surroundings: Arc<Surroundings>) -> Arc<Self> {
        let (table, quota, bell) = Table::of_service::<S>();
        let admission = Admission::new(table.mailboxes(), pool.threads());
        let signals = StateSignals::new(Arc::clone(&bell));
        let mailboxes = Mailboxes::new(table.mailboxes(), Arc::clone(&bell));
        mailboxes.open();
        Arc::new(Self {
            id: ServiceId::fresh(),
            name: S::NAME,
            placement,
            table,
            lifecycle: Lifecycle::new(bell),
            admission,
            mailboxes,
            quota,
            state: StateLock::new(Arc::clone(&signals)),
            signals,
            thread: Mutex::new(None),
            in_flight: Arc::new(BoundedCounter::new(SERVICE_IN_FLIGHT)),
            pool: ServicePool::new(pool),
            idle: Idle::default(),
            surroundings,
            task_counters: Arc::default(),
            tasks: Mutex::new(None),
            has_clients: Arc::default(),
        })
    }
}

impl AnyCore {
    /// Returns the lock on the state, if the service has this type.
    pub(crate) fn state_of<S: Service>(&self) -> Option<&StateLock<S>> {
        let state: &dyn Any = &self.state;
        state.downcast_ref()
    }

    /// Answers -32003 to calls that wait and -32603 to calls that run, because the shutdown timeout
    /// is over. A sync method, or one on the worker pool, cannot be interrupted, but its caller
    /// gets a response.
    pub(crate) fn cut_off(&self) {
        self.mailboxes.cut();
        self.pool.cut_off();
    }

    /// Whether every admitted call has ended, as far as quota and limits know.
    pub(crate) fn is_idle(&self) -> bool {
        self.quota.calls() == 0 && self.in_flight.in_use() == 0 && self.pool.is_idle()
    }
}

impl<L: ?Sized> fmt::Debug for CoreOf<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("service", &self.name).field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}
