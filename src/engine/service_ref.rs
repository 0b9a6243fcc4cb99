//! A handle on a running service, for typed calls without JSON.

use std::fmt;
use std::time::Duration;

use actix::Addr;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::mailbox::{Call, Entry};
use crate::measure::End;
use crate::route::Refusal;
use crate::service::{Awaited, ByKind, CallContext, Current, Method, Reply, Service};
use crate::sync::Arc;

use super::core::{Core, Status};
use super::handed;
use super::host::Host;
use super::run::inline::{may_run_inline, run_now};
use super::stats::MethodStats;

/// A handle on a running service: typed messages, through the same mailboxes as calls from outside, and no JSON.
///
/// A handler of a custom scope takes it as an extractor; [`Running::service`](crate::Running::service) gives it to other
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
///     counter.call(Add { by: 1 }).await?;
///     counter.call(Add { by: 1 }).await
/// }
/// ```
pub struct ServiceRef<S: Service> {
    core: Arc<Core<S>>,
    caller: Caller,
    /// At most this much time for each call.
    patience: Option<Duration>,
}

/// A call that was let in.
enum Begun<M: Method> {
    Ended(Reply<M>),
    Waits(Arc<Call<M>>),
}

impl<S: Service> ServiceRef<S> {
    pub(crate) fn new(core: Arc<Core<S>>) -> Self {
        Self { core, caller: Caller::anonymous(), patience: None }
    }

    /// The same service, called as `caller`.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { core: Arc::clone(&self.core), caller, patience: self.patience }
    }

    /// The same service, whose calls have no more time than this. A method's own deadline holds beside it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use callbox::{RpcError, ServiceRef, service};
    /// # struct Counter;
    /// # #[service] impl Counter { #[public_method] fn add(&self, by: u64) -> u64 { by } }
    /// async fn add_soon(counter: ServiceRef<Counter>) -> Result<u64, RpcError> {
    ///     counter.with_deadline(Duration::from_millis(50)).call(Add { by: 1 }).await
    /// }
    /// ```
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { patience: Some(deadline), ..self.clone() }
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
    pub async fn call<M: Method<Service = S>>(&self, message: M) -> Reply<M> {
        handed::message(&message)?;
        self.call_checked(message).await
    }

    /// Calls with a message that is known to have a form in JSON.
    pub(crate) async fn call_checked<M: Method<Service = S>>(&self, message: M) -> Reply<M> {
        let reply = match self.begin(message, false)? {
            Begun::Ended(reply) => reply,
            Begun::Waits(call) => Awaited::new(call.context().chain.clone(), call.reply()).await,
        };
        reply.and_then(handed::output::<M>)
    }

    /// Sends a notification: the method runs, and nobody waits for its result.
    ///
    /// Within a method of a service, too, it has all the time of its own method's deadline, whatever is left of the deadline
    /// of the method that sends it; and it may go to any service, also to the one that sends it.
    ///
    /// # Errors
    /// If the call cannot be let in, as for [`call`](Self::call). What happens to it later is counted and logged.
    pub fn notify<M: Method<Service = S>>(&self, message: M) -> Result<(), RpcError> {
        handed::message(&message)?;
        self.begin(message, true).map(drop)
    }

    fn begin<M: Method<Service = S>>(&self, message: M, notification: bool) -> Result<Begun<M>, RpcError> {
        let core = &self.core;
        let entry = core.entry::<M>().ok_or_else(RpcError::method_not_found)?;
        let call = self.context(entry, notification)?;
        // What a method sends to nobody in particular does not hold it up, nor does it run within it, level below level.
        let within = notification && Current::is_of_thread(None);
        let (call, message) = if M::IS_SYNC && !within && may_run_inline(core, entry, &call) {
            let now = call.arrived;
            match run_now(core, entry, call, message, now) {
                Ok(reply) => return Ok(Begun::Ended(reply)),
                Err(not_now) => not_now,
            }
        } else {
            (call, message)
        };
        let permit = core.admit(entry, &call, 0, call.arrived).map_err(|Refusal { why, error }| {
            entry.meter.ended(&call, End::Refused(why), Some(&error), call.arrived.elapsed(), None);
            error
        })?;
        let call = Call::new(call, message, permit, Arc::clone(entry));
        core.push(call.clone());
        Ok(Begun::Waits(call))
    }

    fn context(&self, entry: &Entry, notification: bool) -> Result<CallContext, RpcError> {
        let arrived = Instant::now();
        let mut deadline = arrived + entry.options.deadline.min(self.patience.unwrap_or(Duration::MAX));
        // Who does not wait for the answer can neither close a circle nor run out of time over it.
        let around = if notification { None } else { Current::of_thread() };
        let chain = match around {
            None => None,
            Some(around) => {
                deadline = deadline.min(around.deadline);
                let closes_circle = around.waits_for(self.core.id);
                let link = around.link();
                if closes_circle {
                    let cause = format_args!(
                        "the call {link} → {} would wait for itself: no service may be visited twice",
                        entry.name
                    );
                    return Err(RpcError::internal_in(entry.name, &cause));
                }
                Some(link)
            }
        };
        let caller = self.caller.clone();
        Ok(CallContext { method: entry.name, caller, arrived, deadline, notification, chain })
    }

    /// Whether calls are let in: false while the service is down or stopping.
    pub fn is_up(&self) -> bool {
        self.core.status() == Status::Up
    }

    /// What has become of the calls of each method, and how full its mailbox is.
    pub fn stats(&self) -> Vec<MethodStats> {
        self.core.stats().methods
    }

    /// Waits until no call of the service waits or runs: then the effects of all notifications that were let in before are
    /// there.
    pub async fn settled(&self) {
        let settled = self.core.settled.ask();
        self.core.desk.bell.nudge();
        settled.await;
    }

    /// The address of the actor that hosts the service, for actix code. `None` while it is being restarted.
    pub fn addr(&self) -> Option<Addr<Host<S>>> {
        self.core.addr()
    }
}

impl<S: Service> Clone for ServiceRef<S> {
    fn clone(&self) -> Self {
        self.as_caller(self.caller.clone())
    }
}

impl<S: Service> fmt::Debug for ServiceRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceRef")
            .field("core", &self.core)
            .field("caller", &self.caller)
            .field("patience", &self.patience)
            .finish()
    }
}
