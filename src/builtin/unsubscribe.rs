//! `rpc.unsubscribe`, also under the other names that subscriptions give it.

use std::collections::BTreeSet;

use futures::future::{LocalBoxFuture, ready};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::jsonrpc::RpcError;
use crate::route::{CallStart, MailboxId, RejectReason, Rejection, Route, StartContext};
use crate::service::{CallContext, MethodDescription, MethodOptions, SchemaGenerators, ServiceId, StreamUse};
use crate::sync::Arc;

/// Ends a subscription of the same connection.
pub(crate) struct Unsubscribe {
    name: &'static str,
    options: MethodOptions,
    mailbox: MailboxId,
}

pub(super) const NAME: &str = "rpc.unsubscribe";

const DOC: &str = "Ends a subscription of the same connection. Returns whether there was one with this id.";

#[derive(Deserialize, JsonSchema)]
struct Params {
    /// The id, which is the result of the call that has started the subscription.
    subscription: String,
}

impl Unsubscribe {
    /// Returns the methods that end the subscriptions which these routes start; none if they start
    /// none.
    pub(crate) fn routes<'a>(routes: impl Iterator<Item = &'a Arc<dyn Route>>) -> Vec<Arc<dyn Route>> {
        let mut names = BTreeSet::new();
        for route in routes {
            if let StreamUse::Subscribes(subscription) = route.options().streams {
                names.insert(NAME);
                names.extend(subscription.unsubscribe);
            }
        }
        names.into_iter().map(|name| Arc::new(Self::named(name)) as Arc<dyn Route>).collect()
    }

    fn named(name: &'static str) -> Self {
        let options = MethodOptions { streams: StreamUse::Unsubscribes, ..MethodOptions::public().doc(DOC) };
        Self { name, options, mailbox: MailboxId(ServiceId::fresh(), 0) }
    }
}

impl Route for Unsubscribe {
    fn name(&self) -> &'static str {
        self.name
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

    fn start(&self, call: CallContext, params: Option<&str>, context: StartContext<'_>) -> CallStart {
        let StartContext { budget, subscriber, out, .. } = context;
        let Some(subscriber) = subscriber else { return CallStart::Done(Err(RpcError::method_not_found())) };
        // Read from an object and from an array.
        let params = match serde_json::from_str::<Params>(params.unwrap_or("{}")) {
            Ok(params) => params,
            Err(error) => {
                return CallStart::Done(Err(RpcError::invalid_params(Some("subscription"), &error.to_string())));
            }
        };
        let existed = subscriber.unsubscribe(&params.subscription);
        CallStart::Done(if call.notification { Ok(()) } else { budget.write(out, self.name, &existed) })
    }

    fn describe(&self, generators: &mut SchemaGenerators) -> MethodDescription {
        let result = generators.received.subschema_for::<bool>();
        MethodDescription {
            order: &["subscription"],
            params: Params::json_schema(&mut generators.sent),
            result,
            errors: Vec::new(),
            runs: None,
        }
    }

    fn reject(&self, _: CallContext, _: &Rejection) {}

    fn room(&self, _: &CallContext, _: RejectReason, _: usize) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}
