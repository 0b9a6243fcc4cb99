//! The host: the actix actor that holds one service and runs its calls.

pub(crate) mod factory;
pub(super) mod restart;
pub(crate) mod supervisor;

use std::fmt;
use std::panic::AssertUnwindSafe;

use actix::{Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseFuture};
use futures::FutureExt;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::log::{discard, panic_text};
use crate::service::{Method, Reply, Service};
use crate::sync::{Arc, Mutex};

use super::core::Core;
use super::schedule::scheduler::Scheduler;
use super::typed::{self, AsCaller};

/// The actix actor of one service.
///
/// Its own mailbox carries control messages, and typed messages from people who hold its [`Addr`](actix::Addr): those go
/// into the method's mailbox like all other calls.
pub struct ServiceActor<S: Service> {
    core: Arc<Core<S>>,
    scheduler: Option<Scheduler<S>>,
}

impl<S: Service> ServiceActor<S> {
    pub(crate) fn new(core: Arc<Core<S>>, scheduler: Scheduler<S>) -> Self {
        Self { core, scheduler: Some(scheduler) }
    }
}

impl<S: Service> Actor for ServiceActor<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(scheduler) = self.scheduler.take() {
            ctx.spawn(actix::fut::wrap_future(scheduler.serve()).map(|(), _, ctx: &mut Context<Self>| ctx.stop()));
        }
    }
}

impl<S, M> Handler<M> for ServiceActor<S>
where
    S: Service,
    M: Method<Service = S> + Message<Result = Reply<M>>,
{
    type Result = ResponseFuture<Reply<M>>;

    fn handle(&mut self, message: M, _: &mut Self::Context) -> Self::Result {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            let by = AsCaller { caller: Caller::anonymous(), patience: None };
            // The panic of a future ends its actor, and with that the host.
            AssertUnwindSafe(typed::call(&core, &by, message)).catch_unwind().await.unwrap_or_else(|panic| {
                let cause = format_args!("a message to the actor panicked: {}", panic_text(&*panic));
                let error = RpcError::internal(&cause);
                discard(panic);
                Err(error)
            })
        })
    }
}

impl<S: Service> fmt::Debug for ServiceActor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceActor").field("core", &self.core).finish_non_exhaustive()
    }
}

/// A service, and where its host can be reached while it has one.
pub(crate) struct Seat<S: Service> {
    pub(crate) core: Arc<Core<S>>,
    addr: Mutex<Option<Addr<ServiceActor<S>>>>,
}

impl<S: Service> Seat<S> {
    pub(crate) fn new(core: Arc<Core<S>>) -> Arc<Self> {
        Arc::new(Self { core, addr: Mutex::new(None) })
    }

    /// The host's address, while there is a host.
    pub(crate) fn addr(&self) -> Option<Addr<ServiceActor<S>>> {
        self.addr.lock().clone()
    }

    fn set_addr(&self, addr: Option<Addr<ServiceActor<S>>>) {
        *self.addr.lock() = addr;
    }
}
