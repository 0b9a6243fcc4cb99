//! The start of a subscription: its method runs like any other, and the items of its result go to
//! the connection of the caller.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures::future::{FutureExt, LocalBoxFuture};

use crate::jsonrpc::{ResponseBudget, RpcError};
use crate::mailbox::MethodEntry;
use crate::route::{CallOutcome, CallStart, PendingReply, StartedSubscription, StateEnd, Subscriber};
use crate::service::{Message, Reply};
use crate::sync::Arc;

use super::core::AnyCore;

/// What a subscription needs once its method has returned.
pub(super) struct Subscribing {
    pub(super) entry: Arc<MethodEntry>,
    pub(super) subscriber: Rc<dyn Subscriber>,
    pub(super) budget: Rc<ResponseBudget>,
    /// The end of the state that the service had when the call arrived.
    pub(super) state_end: StateEnd,
}

impl Subscribing {
    /// Gives the items to the connection, and writes the id of the subscription.
    pub(super) fn finish<M: Message>(&self, reply: Reply<M>, out: &mut Vec<u8>) -> CallOutcome {
        let (Some(names), Some(items)) =
            (M::SUBSCRIPTION, M::into_items(reply.map_err(|error| self.budget.error(error))?))
        else {
            let cause = format_args!("{} is a subscription, but its message returns no items", self.entry.name);
            return Err(RpcError::internal_in(self.entry.name, &cause));
        };
        let started = StartedSubscription {
            method: self.entry.name,
            access: self.entry.options.access,
            names,
            items,
            state_end: self.state_end.clone(),
            counters: Arc::clone(&self.entry.meter.items),
        };
        let id = self.subscriber.subscribe(started)?;
        self.budget.write(out, self.entry.name, &*id).inspect_err(|_| _ = self.subscriber.unsubscribe(&id))
    }

    /// Returns a started call whose reply is awaited.
    pub(super) fn pending<M: Message>(self, reply: impl Future<Output = Reply<M>> + 'static) -> CallStart {
        CallStart::Pending(Box::pin(PendingSubscription::<M> { reply: reply.boxed_local(), subscribing: self }))
    }
}

/// A subscription whose method has not returned yet.
struct PendingSubscription<M: Message> {
    reply: LocalBoxFuture<'static, Reply<M>>,
    subscribing: Subscribing,
}

impl<M: Message> PendingReply for PendingSubscription<M> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<CallOutcome> {
        let reply = ready!(self.reply.poll_unpin(cx));
        Poll::Ready(self.subscribing.finish::<M>(reply, out))
    }
}

/// Returns the end of the state that the service has now. It has come if there is none.
pub(super) fn state_end(core: &AnyCore) -> StateEnd {
    core.tasks.lock().as_ref().map_or_else(StateEnd::come, |tasks| tasks.state_end())
}
