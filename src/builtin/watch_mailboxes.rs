//! `rpc.watchMailboxes`: the mailboxes as the console shows them, once a second.

use callbox_client::{Subscription, SubscriptionNames};
use futures::future::{LocalBoxFuture, ready};
use serde_json::Value;

use crate::console::{NoFrames, StatsFeed};
use crate::jsonrpc::RpcError;
use crate::route::{
    CallOutcome, CallStart, ItemCounters, MailboxId, RejectReason, Rejection, Route, StartContext, StartedSubscription,
    StateEnd, StateEndGuard,
};
use crate::service::{CallContext, MethodDescription, MethodOptions, SchemaGenerators, ServiceId, StreamUse};
use crate::sync::Arc;

use super::no_parameters;

/// The built-in subscription, for the pages of the console.
pub(crate) struct WatchMailboxes {
    feed: StatsFeed,
    options: MethodOptions,
    mailbox: MailboxId,
    counters: Arc<ItemCounters>,
    /// Ends with the server, as the method has no state that could be lost before.
    state_end: (StateEndGuard, StateEnd),
}

const NAME: &str = "rpc.watchMailboxes";

const DOC: &str = "Sends how full each mailbox is and how its calls ended, once a second.";

impl WatchMailboxes {
    /// Returns the method. It is private if the server checks tokens.
    pub(crate) fn route(feed: StatsFeed, checks_tokens: bool) -> Arc<dyn Route> {
        let options = if checks_tokens { MethodOptions::private() } else { MethodOptions::public() };
        Arc::new(Self {
            feed,
            options: MethodOptions { streams: StreamUse::Subscribes(SubscriptionNames::DEFAULT), ..options.doc(DOC) },
            mailbox: MailboxId(ServiceId::fresh(), 0),
            counters: Arc::default(),
            state_end: StateEnd::new(),
        })
    }

    fn subscribe(&self, context: StartContext<'_>) -> CallOutcome {
        let StartContext { budget, subscriber, out, .. } = context;
        let subscriber = subscriber.ok_or_else(RpcError::no_subscriptions)?;
        let frames = self.feed.subscribe().map_err(|reason| match reason {
            NoFrames::Closed => RpcError::method_not_found(),
            NoFrames::TooManyPages => RpcError::too_many_subscriptions(NAME, StatsFeed::MAX_PAGES),
        })?;
        let started = StartedSubscription {
            method: NAME,
            access: self.options.access,
            names: SubscriptionNames::DEFAULT,
            items: Subscription::new(frames.into_stream()).into(),
            state_end: self.state_end.1.clone(),
            counters: Arc::clone(&self.counters),
        };
        let id = subscriber.subscribe(started)?;
        budget.write(out, NAME, &*id).inspect_err(|_| _ = subscriber.unsubscribe(&id))
    }
}

impl Route for WatchMailboxes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn options(&self) -> &MethodOptions {
        &self.options
    }

    fn is_builtin(&self) -> bool {
        true
    }

    fn mailbox(&self) -> MailboxId {
        self.mailbox
    }

    fn start(&self, _: CallContext, params: Option<&str>, context: StartContext<'_>) -> CallStart {
        CallStart::Done(no_parameters(params).and_then(|()| self.subscribe(context)))
    }

    fn describe(&self, generators: &mut SchemaGenerators) -> MethodDescription {
        let result = generators.received.subschema_for::<Value>();
        MethodDescription { order: &[], params: schemars::Schema::default(), result, errors: Vec::new(), runs: None }
    }

    fn reject(&self, _: CallContext, _: &Rejection) {}

    fn room(&self, _: &CallContext, _: RejectReason, _: usize) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}
