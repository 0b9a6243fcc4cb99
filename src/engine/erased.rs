//! A service whose type is not named, for typed clients: they know its messages, but not who
//! handles them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Weak;

use callbox_client::__engine::{Exchange, LocalOptions, LocalTarget, Started};
use callbox_client::{LocalCaller, LocalService, ServiceClient};

use schemars::JsonSchema;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::service::{Directory, Handles, Message, MethodOptions, MethodTable, Serves, Service};
use crate::sync::Arc;

use super::core::Core;
use super::host::HostedService;
use super::table::TypeIdHasher;
use super::typed::{self, CallOptions, StartedCall};

/// Returns a service with its type erased.
pub(super) fn erased<S: Service>(service: Arc<HostedService<S>>, by: &CallOptions) -> LocalService {
    let caller = by.caller.is_authenticated().then(|| Arc::new(by.caller.clone()) as Arc<dyn Any + Send + Sync>);
    LocalService::new(service, LocalOptions { caller, max_time: by.max_time })
}

/// Starts the call of an exchange. The first parameter is the `Arc` of the core.
type StartFn = fn(&dyn Any, &LocalOptions, &mut dyn Any);

/// How to start a call of each method of a service, by the type of its message.
#[derive(Default)]
pub(super) struct Starters(HashMap<TypeId, StartFn, BuildHasherDefault<TypeIdHasher>>);

impl Starters {
    pub(super) fn of_service<S: Service>() -> Self {
        let mut starters = Self::default();
        S::methods(&mut starters);
        starters
    }

    fn add(&mut self, exchange: TypeId, start: StartFn) {
        self.0.insert(exchange, start);
    }

    fn start(&self, core: &dyn Any, options: &LocalOptions, exchange: &mut dyn Any) {
        // Not `exchange.type_id()`, which is the type of the reference.
        if let Some(start) = self.0.get(&(*exchange).type_id()) {
            start(core, options, exchange);
        }
    }
}

impl<S: Service> MethodTable<S> for Starters {
    fn add<M: Message<Output: JsonSchema> + JsonSchema>(&mut self, _: MethodOptions)
    where
        S: Handles<M>,
    {
        Self::add(self, TypeId::of::<Exchange<M>>(), |core, options, exchange| {
            let Some(core) = core.downcast_ref::<Arc<Core<S>>>() else { return };
            let Some(exchange) = exchange.downcast_mut::<Exchange<M>>() else { return };
            let Some(message) = exchange.message.take() else { return };
            let started =
                typed::start(core, &call_options(options), message, exchange.notification, exchange.progress.take());
            exchange.started = started.map(|started| match started {
                StartedCall::Ended(reply) => Started::Ended(typed::checked::<M>(reply)),
                waits @ StartedCall::Waits(..) => Started::Waits(Box::pin(typed::finish(waits))),
            });
        });
    }
}

/// Adds a service under the types of its typed clients.
pub(crate) fn list_clients<S: Service>(service: &Arc<HostedService<S>>, directory: &mut Directory) {
    S::methods(&mut ClientList { service, directory });
}

struct ClientList<'a, S: Service> {
    service: &'a Arc<HostedService<S>>,
    directory: &'a mut Directory,
}

impl<S: Service> MethodTable<S> for ClientList<'_, S> {
    fn client<C: ServiceClient>(&mut self)
    where
        S: Serves<C>,
    {
        self.directory.add_local(TypeId::of::<C>(), weak(self.service));
    }

    fn add<M: Message<Output: JsonSchema> + JsonSchema>(&mut self, _: MethodOptions)
    where
        S: Handles<M>,
    {
    }
}

/// The engine's own type of callers, which clients pass through.
impl LocalCaller for Caller {}

fn call_options(options: &LocalOptions) -> CallOptions {
    let caller = options.caller.as_ref().and_then(|caller| caller.downcast_ref::<Caller>()).cloned();
    CallOptions { caller: caller.unwrap_or_default(), max_time: options.max_time }
}

impl<S: Service> LocalTarget for HostedService<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    /// Starts the call of an exchange, unless no method takes its message: then the exchange keeps
    /// its error.
    fn start(&self, options: &LocalOptions, exchange: &mut dyn Any) -> Result<(), RpcError> {
        self.starters.start(&self.core, options, exchange);
        Ok(())
    }
}

/// A service for the clients of its server's services, and for its own. They do not keep it: a
/// service that holds clients of others, or of itself, would never be freed.
struct WeakService<S: Service>(Weak<HostedService<S>>);

/// Returns a service with its type erased, called by nobody in particular. It is not kept alive.
pub(crate) fn weak<S: Service>(service: &Arc<HostedService<S>>) -> LocalService {
    LocalService::new(Arc::new(WeakService(Arc::downgrade(service))), LocalOptions::default())
}

impl<S: Service> LocalTarget for WeakService<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn start(&self, options: &LocalOptions, exchange: &mut dyn Any) -> Result<(), RpcError> {
        self.0.upgrade().ok_or_else(RpcError::unavailable)?.start(options, exchange)
    }
}
