//! A service whose type is not named, for typed clients: they know its messages, but not who
//! handles them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::service::{Handles, Message, MethodOptions, MethodTable, Reply, Service};
use crate::sync::Arc;

use super::core::Core;
use super::table::TypeIdHasher;
use super::typed::{self, CallOptions, StartedCall};

/// A service of this process, whatever its type.
pub(crate) trait AnyService: Send + Sync {
    /// The name of the service.
    fn name(&self) -> &'static str;

    /// Starts the call of an [`Exchange`].
    fn start(&self, by: &CallOptions, exchange: &mut dyn Any);
}

/// A message on its way to a service whose type is not known, and then the call that was started
/// with it.
///
/// It is passed as `&mut dyn Any`, so that neither of them has to be boxed.
struct Exchange<M: Message> {
    message: Option<M>,
    notification: bool,
    started: Result<StartedCall<M>, RpcError>,
}

type StartFn<S> = fn(&Arc<Core<S>>, &CallOptions, &mut dyn Any);

/// How to start a call of each method of a service, by the type of its message.
pub(super) struct Starters<S: Service>(HashMap<TypeId, StartFn<S>, BuildHasherDefault<TypeIdHasher>>);

impl<S: Service> Starters<S> {
    pub(super) fn of_service() -> Self {
        let mut starters = Self(HashMap::default());
        S::methods(&mut starters);
        starters
    }

    /// Starts the call of an exchange, unless no method takes its message: then the exchange keeps
    /// its error.
    pub(super) fn start(&self, core: &Arc<Core<S>>, by: &CallOptions, exchange: &mut dyn Any) {
        // Not `exchange.type_id()`, which is the type of the reference.
        if let Some(start) = self.0.get(&(*exchange).type_id()) {
            start(core, by, exchange);
        }
    }
}

impl<S: Service> MethodTable<S> for Starters<S> {
    fn add<M: Message>(&mut self, _: MethodOptions)
    where
        S: Handles<M>,
    {
        self.0.insert(TypeId::of::<Exchange<M>>(), |core, by, exchange| {
            let Some(exchange) = exchange.downcast_mut::<Exchange<M>>() else { return };
            if let Some(message) = exchange.message.take() {
                exchange.started = typed::start(core, by, message, exchange.notification);
            }
        });
    }
}

/// A service of this process as a typed client sees it: something that handles messages.
///
/// [`ServiceRef::erased`](crate::ServiceRef::erased) returns it, and a typed client is made from it
/// by `From`. That does not check whether the client fits the service: the call of a method that
/// the service does not list is answered with -32601. Cheap to clone.
#[derive(Clone)]
pub struct LocalService {
    service: Arc<dyn AnyService>,
    by: CallOptions,
}

impl LocalService {
    pub(super) fn new(service: Arc<dyn AnyService>, by: CallOptions) -> Self {
        Self { service, by }
    }

    /// Returns the same service, called by `caller`.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { service: Arc::clone(&self.service), by: CallOptions { caller, ..self.by.clone() } }
    }

    /// Returns the same service with a deadline for each call. The method's own deadline holds if
    /// it is shorter.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { service: Arc::clone(&self.service), by: CallOptions { max_time: Some(deadline), ..self.by.clone() } }
    }

    /// Calls the method of a message that is known to have a form in JSON.
    pub(crate) async fn call_checked<M: Message>(&self, message: M) -> Reply<M> {
        typed::finish(self.start(message, false)?).await
    }

    /// Sends a notification.
    pub(crate) fn notify<M: Message>(&self, message: M) -> Result<(), RpcError> {
        typed::check_message(&message)?;
        self.start(message, true).map(drop)
    }

    fn start<M: Message>(&self, message: M, notification: bool) -> Result<StartedCall<M>, RpcError> {
        let started = Err(RpcError::method_not_found());
        let mut exchange = Exchange { message: Some(message), notification, started };
        self.service.start(&self.by, &mut exchange);
        exchange.started
    }
}

impl fmt::Debug for LocalService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalService").field("name", &self.service.name()).field("by", &self.by).finish()
    }
}
