//! The actor for actix code, which calls a service by messages.

use std::fmt;
use std::panic::AssertUnwindSafe;

use actix::{Actor, Addr, Context, Handler, ResponseFuture};
use futures::FutureExt;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::log::{discard, panic_text};
use crate::service::{Handles, Message, Reply, Service};
use crate::sync::Arc;

use super::core::Core;
use super::typed::{self, CallOptions};

/// The actix actor that takes messages for a service, on the thread of the service.
///
/// An [`ActorMessage`] from code that holds its [`Addr`](actix::Addr) goes into the mailbox of its
/// method like any other call. The actor starts when
/// [`ServiceRef::addr`](crate::ServiceRef::addr) is called first.
pub struct ServiceActor<S: Service> {
    core: Arc<Core<S>>,
}

impl<S: Service> Actor for ServiceActor<S> {
    type Context = Context<Self>;
}

/// Returns the address of the actor of a service, and starts it if need be. `None` while the
/// service has no thread.
pub(super) fn addr<S: Service>(core: &Arc<Core<S>>) -> Option<Addr<ServiceActor<S>>> {
    let mut thread = core.thread.lock();
    let thread = thread.as_mut()?;
    let known = thread.actor.as_ref().and_then(|actor| actor.downcast_ref::<Addr<ServiceActor<S>>>());
    if let Some(addr) = known.filter(|addr| addr.connected()) {
        return Some(addr.clone());
    }
    let core = Arc::clone(core);
    let addr = ServiceActor::start_in_arbiter(&thread.arbiter, |_| ServiceActor { core });
    thread.actor = Some(Box::new(addr.clone()));
    Some(addr)
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
            // Without this, the sender of a call that panics would get a `MailboxError`, which says
            // nothing.
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
