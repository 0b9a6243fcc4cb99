//! A handle on a running service, for typed calls without JSON.

use std::fmt;
use std::time::Duration;

use actix::Addr;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::service::{Handles, Message, Reply, Service};
use crate::sync::Arc;

use super::core::Core;
use super::erased::{AnyService, LocalService};
use super::host::{Seat, ServiceActor};
use super::lifecycle::Status;
use super::stats::{MethodStats, ServiceStats};
use super::typed::{self, AsCaller};

/// A handle on a running service: typed messages, through the same mailboxes as calls from outside, and no JSON.
///
/// A handler of a custom scope takes it as an extractor; [`ServerHandle::service`](crate::ServerHandle::service) gives it to other
/// code. Cheap to clone.
///
/// Access rules are for callers from outside and do not hold here. The caller that methods see is anonymous, unless
/// [`as_caller`](Self::as_caller) says otherwise.
///
/// ```no_run
/// use callbox::{RpcError, ServiceRef, service};
///
/// #[derive(Default)]
/// struct Counter { count: u64 }
///
/// #[service(name = "counter")]
/// impl Counter {
///     /// Adds to the count.
///     #[public_method]
///     fn add(&mut self, by: u64) -> u64 {
///         self.count += by;
///         self.count
///     }
/// }
///
/// async fn add_twice(counter: ServiceRef<Counter>) -> Result<u64, RpcError> {
///     counter.call(Counter_Add { by: 1 }).await?;
///     counter.call(Counter_Add { by: 1 }).await
/// }
/// ```
pub struct ServiceRef<S: Service> {
    seat: Arc<Seat<S>>,
    by: AsCaller,
}

impl<S: Service> ServiceRef<S> {
    pub(crate) fn new(seat: Arc<Seat<S>>) -> Self {
        Self { seat, by: AsCaller { caller: Caller::anonymous(), patience: None } }
    }

    /// The same service, called as `caller`.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { seat: Arc::clone(&self.seat), by: AsCaller { caller, patience: self.by.patience } }
    }

    /// The same service, whose calls have no more time than this. A method's own deadline holds beside it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use callbox::{RpcError, ServiceRef, service};
    /// # struct Counter;
    /// # #[service] impl Counter { #[public_method] fn add(&self, by: u64) -> u64 { by } }
    /// async fn add_soon(counter: ServiceRef<Counter>) -> Result<u64, RpcError> {
    ///     counter.with_deadline(Duration::from_millis(50)).call(Counter_Add { by: 1 }).await
    /// }
    /// ```
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        let by = AsCaller { patience: Some(deadline), ..self.by.clone() };
        Self { seat: Arc::clone(&self.seat), by }
    }

    /// Calls a method and waits for its answer. Dropping the future gives the call up.
    ///
    /// Within a method of another service the call inherits what is left of that method's deadline.
    ///
    /// # Errors
    /// The method's own errors, and the codes that callers from outside get: -32000 if its mailbox
    /// is full, -32002 if its deadline passes, -32003 if the service is down or stopping, -32603 if
    /// the method panics or if the call would come back to a service that is waiting for it, -32601
    /// if the service does not list the method. As for callers from outside, what has no form in
    /// JSON (NaN, a map with keys that are no strings) is -32602 in a message, before anything
    /// runs, and -32603 in a result.
    ///
    /// # Panics
    /// Outside of a tokio runtime, if the call has to wait.
    pub async fn call<M: Message>(&self, message: M) -> Reply<M>
    where
        S: Handles<M>,
    {
        typed::call(self.core(), &self.by, message).await
    }

    /// Returns this service without its type, of which typed clients are made; see
    /// [`client`](Self::client).
    pub fn erased(&self) -> LocalService {
        LocalService::new(Arc::clone(&self.seat) as Arc<dyn AnyService>, self.by.clone())
    }

    /// Sends a notification: the method runs, and nobody waits for its result.
    ///
    /// Within a method of a service, too, it has all the time of its own method's deadline, whatever is left of the deadline
    /// of the method that sends it; and it may go to any service, also to the one that sends it.
    ///
    /// # Errors
    /// If the call cannot be let in, as for [`call`](Self::call). What happens to it later is counted and logged.
    pub fn notify<M: Message>(&self, message: M) -> Result<(), RpcError>
    where
        S: Handles<M>,
    {
        typed::notify(self.core(), &self.by, message)
    }

    /// Whether calls are let in: false while the service is down or stopping.
    pub fn is_up(&self) -> bool {
        self.core().lifecycle.status() == Status::Up
    }

    /// What has become of the calls of each method, and how full its mailbox is.
    pub fn stats(&self) -> Vec<MethodStats> {
        ServiceStats::of(self.core()).methods
    }

    /// Waits until no call of the service waits or runs: then the effects of all notifications that were let in before are
    /// there.
    pub async fn wait_idle(&self) {
        let idle = self.core().idle.wait();
        self.core().desk.bell.nudge();
        idle.await;
    }

    /// The address of the actor that hosts the service, for actix code. `None` while it is being restarted.
    pub fn addr(&self) -> Option<Addr<ServiceActor<S>>> {
        self.seat.addr()
    }

    fn core(&self) -> &Arc<Core<S>> {
        &self.seat.core
    }
}

impl<S: Service> Clone for ServiceRef<S> {
    fn clone(&self) -> Self {
        self.as_caller(self.by.caller.clone())
    }
}

impl<S: Service> fmt::Debug for ServiceRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceRef")
            .field("core", self.core())
            .field("caller", &self.by.caller)
            .field("patience", &self.by.patience)
            .finish()
    }
}
