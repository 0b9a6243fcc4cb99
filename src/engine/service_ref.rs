//! A reference to a running service, for calls without JSON.

use std::fmt;
use std::time::Duration;

use actix::Addr;
use callbox_client::{LocalService, ServiceClient, TypedClient};

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::service::{Handles, Message, Reply, Serves, Service};
use crate::sync::Arc;

use super::core::Core;
use super::erased::erased;
use super::host::HostedService;
use super::lifecycle::Status;
use super::service_actor::{ServiceActor, addr};
use super::stats::{MethodStats, ServiceStats};
use super::typed::{self, CallOptions};

/// A reference to a running service. Its calls go through the same mailboxes as calls from outside,
/// without JSON. Cheap to clone.
///
/// A handler of a custom actix-web scope takes it as an extractor. Other code gets it from
/// [`ServerHandle::service`](crate::ServerHandle::service). [`client`](Self::client) turns it into
/// the typed client of the service, which is the usual way to call. The functions here take
/// messages.
///
/// Access rules are for callers from outside and do not apply here. Methods see an anonymous
/// caller, unless [`as_caller`](Self::as_caller) sets one.
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
    hosted: Arc<HostedService<S>>,
    by: CallOptions,
}

impl<S: Service> ServiceRef<S> {
    pub(crate) fn new(hosted: Arc<HostedService<S>>) -> Self {
        Self { hosted, by: CallOptions { caller: Caller::anonymous(), max_time: None } }
    }

    /// Returns the same service, called by `caller`.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { hosted: Arc::clone(&self.hosted), by: CallOptions { caller, max_time: self.by.max_time } }
    }

    /// Returns the same service with a deadline for each call. The method's own deadline holds if
    /// it is shorter.
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
        let by = CallOptions { max_time: Some(deadline), ..self.by.clone() };
        Self { hosted: Arc::clone(&self.hosted), by }
    }

    /// Calls a method and waits for its reply. Dropping the future abandons the call.
    ///
    /// Within a method of another service, the call has at most the time that is left of that
    /// method's deadline.
    ///
    /// # Errors
    /// The errors of the method itself, and the codes that callers from outside receive: -32000 if
    /// the mailbox is full, -32002 if the deadline passes, -32003 if the service is down or
    /// stopping, -32603 if the method panics or if the call would come back to a service that waits
    /// for it, -32601 if the service does not list the method. A value that JSON cannot hold (NaN,
    /// a map whose keys are not strings) is -32602 in a message, before anything runs, and -32603
    /// in a result.
    ///
    /// # Panics
    /// Panics outside a tokio runtime, if the call has to wait.
    pub async fn call<M: Message>(&self, message: M) -> Reply<M>
    where
        S: Handles<M>,
    {
        typed::call(self.core(), &self.by, message).await
    }

    /// Returns a typed client of this service, whose calls have the caller and the deadline of this
    /// reference.
    ///
    /// ```no_run
    /// use callbox::client::ClientError;
    /// use callbox::{ServiceRef, service};
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
    /// async fn add_twice(counter: ServiceRef<Counter>) -> Result<u64, ClientError> {
    ///     let counter: CounterClient = counter.client();
    ///     counter.add(1).await?;
    ///     counter.add(1).await
    /// }
    /// ```
    pub fn client<C: ServiceClient>(&self) -> C
    where
        S: Serves<C>,
    {
        C::from(TypedClient::from(self.erased()))
    }

    /// Returns this service with its type erased. Typed clients are made from it; see
    /// [`client`](Self::client).
    pub fn erased(&self) -> LocalService {
        erased(Arc::clone(&self.hosted), &self.by)
    }

    /// Sends a notification: the method runs, and its result is dropped.
    ///
    /// It has the full deadline of its own method, also when another method sends it. It may go to
    /// any service, including the one that sends it.
    ///
    /// # Errors
    /// If the call is not admitted, as for [`call`](Self::call). Later errors are counted and
    /// logged.
    pub fn notify<M: Message>(&self, message: M) -> Result<(), RpcError>
    where
        S: Handles<M>,
    {
        typed::notify(self.core(), &self.by, message)
    }

    /// Whether calls are admitted: false while the service is down or stopping.
    pub fn is_up(&self) -> bool {
        self.core().lifecycle.status() == Status::Up
    }

    /// Returns the statistics of this service and its methods.
    pub fn stats(&self) -> Vec<MethodStats> {
        ServiceStats::of(&**self.core()).methods
    }

    /// Waits until no call of the service waits or runs. Then every notification that was sent
    /// before has taken effect. Returns also when the service has stopped.
    pub async fn wait_idle(&self) {
        let idle = self.core().idle.wait();
        self.core().signals.bell.nudge();
        idle.await;
    }

    /// Returns the address of the service's actor, for actix code. `None` while the actor is being
    /// restarted.
    ///
    /// See [`ActorMessage`](crate::ActorMessage) for an example.
    pub fn addr(&self) -> Option<Addr<ServiceActor<S>>> {
        addr(&self.hosted.core)
    }

    fn core(&self) -> &Arc<Core<S>> {
        &self.hosted.core
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
            .field("max_time", &self.by.max_time)
            .finish()
    }
}
