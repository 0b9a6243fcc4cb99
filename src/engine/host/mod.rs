//! The host: the actix actor that runs the calls of one service.

pub(super) mod backoff;
pub(crate) mod factory;
pub(super) mod life_log;
pub(super) mod start_circle;
pub(crate) mod supervisor;
pub(super) mod tasks;

use std::fmt;
use std::panic::AssertUnwindSafe;

use actix::{Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, ResponseFuture};
use futures::FutureExt;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::log::{discard, panic_text};
use crate::service::{Handles, Message, Reply, Service};
use crate::sync::{Arc, Mutex};

use super::core::Core;
use super::erased::Starters;
use super::schedule::scheduler::Scheduler;
use super::typed::{self, CallOptions};

/// The actix actor of one service.
///
/// Its own mailbox carries control messages, and an [`ActorMessage`] from code that holds its
/// [`Addr`](actix::Addr). Such a message goes into the mailbox of its method like any other call.
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

/// A message to the actor of a service, for code that holds its [`Addr`](actix::Addr).
///
/// ```
/// use callbox::{ActorMessage, Server, service, testing};
///
/// #[derive(Default)]
/// struct Counter { count: u64 }
///
/// #[service]
/// impl Counter {
///     #[public_method]
///     fn add(&mut self, by: u64) -> u64 {
///         self.count += by;
///         self.count
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = testing::start(Server::new(Counter::default));
/// let addr = server.service::<Counter>().addr().unwrap();
/// assert_eq!(addr.send(ActorMessage(Counter_Add { by: 2 })).await.unwrap(), Ok(2));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ActorMessage<M>(pub M);

impl<M: Message> actix::Message for ActorMessage<M> {
    type Result = Reply<M>;
}

impl<S: Handles<M>, M: Message> Handler<ActorMessage<M>> for ServiceActor<S> {
    type Result = ResponseFuture<Reply<M>>;

    fn handle(&mut self, ActorMessage(message): ActorMessage<M>, _: &mut Self::Context) -> Self::Result {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            let by = CallOptions { caller: Caller::anonymous(), max_time: None };
            // A panic in the future of a handler would end the actor, and with it the host.
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

/// A service, and the address of its host while it has one.
pub(crate) struct HostedService<S: Service> {
    pub(crate) core: Arc<Core<S>>,
    pub(super) starters: Starters<S>,
    addr: Mutex<Option<Addr<ServiceActor<S>>>>,
}

impl<S: Service> HostedService<S> {
    pub(crate) fn new(core: Arc<Core<S>>) -> Arc<Self> {
        Arc::new(Self { core, starters: Starters::of_service(), addr: Mutex::new(None) })
    }

    /// Returns the address of the host, while there is one.
    pub(crate) fn addr(&self) -> Option<Addr<ServiceActor<S>>> {
        self.addr.lock().clone()
    }

    /// Sets the address of the host.
    fn set_addr(&self, addr: Option<Addr<ServiceActor<S>>>) {
        *self.addr.lock() = addr;
    }
}
