//! The host: the actix actor that holds one service and runs its calls.

pub(crate) mod factory;
pub(super) mod restart;
pub(crate) mod supervisor;

use std::any::Any;
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
use super::erased::{AnyService, Starters};
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
    starters: Starters<S>,
    addr: Mutex<Option<Addr<ServiceActor<S>>>>,
}

impl<S: Service> Seat<S> {
    pub(crate) fn new(core: Arc<Core<S>>) -> Arc<Self> {
        Arc::new(Self { core, starters: Starters::of_service(), addr: Mutex::new(None) })
    }

    /// The host's address, while there is a host.
    pub(crate) fn addr(&self) -> Option<Addr<ServiceActor<S>>> {
        self.addr.lock().clone()
    }

    fn set_addr(&self, addr: Option<Addr<ServiceActor<S>>>) {
        *self.addr.lock() = addr;
    }
}

impl<S: Service> AnyService for Seat<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn start(&self, by: &AsCaller, exchange: &mut dyn Any) {
        self.starters.start(&self.core, by, exchange);
    }
}
