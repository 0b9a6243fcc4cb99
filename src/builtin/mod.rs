//! The built-in methods: `get_service_specs`, `rpc.discover`, `rpc.mailboxes`, `rpc.connections`,
//! `rpc.watchMailboxes` for the console, and `rpc.unsubscribe` if there are subscriptions.
//!
//! They answer from what they know, at once and where they are called: without a mailbox and
//! without a host.

mod advertised_address;
mod connection_stats;
mod discover;
mod mailbox_stats;
mod openrpc;
mod specs;
mod unsubscribe;
mod watch_mailboxes;

use futures::future::{LocalBoxFuture, ready};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::jsonrpc::{ResponseBudget, RpcError};
use crate::route::{CallOutcome, CallStart, MailboxId, RejectReason, Rejection, Route, StartContext};
use crate::service::{CallContext, MethodDescription, MethodOptions, SchemaGenerators, ServiceId};
use crate::sync::Arc;

pub(crate) use connection_stats::ConnectionStatsMethod;
pub(crate) use discover::Discover;
pub(crate) use mailbox_stats::MailboxStatsMethod;
pub(crate) use openrpc::ServerInfo;
pub(crate) use specs::{Specs, SpecsFacts};
pub(crate) use unsubscribe::Unsubscribe;
pub(crate) use watch_mailboxes::WatchMailboxes;

/// A built-in method.
pub(crate) trait BuiltinMethod: Send + Sync + 'static {
    const NAME: &'static str;
    const DOC: &'static str;

    /// Type of its result, for the OpenRPC document.
    type Output: JsonSchema;

    /// Returns who may call it, and whether its result depends on the caller. The method's
    /// [`DOC`](Self::DOC) is added to these options.
    fn access() -> MethodOptions;

    /// Appends the result to `out`.
    fn write_result(&self, call: &CallContext, budget: &ResponseBudget, out: &mut Vec<u8>) -> CallOutcome;
}

/// A built-in method as a route, like all others.
pub(crate) struct BuiltinRoute<M> {
    options: MethodOptions,
    mailbox: MailboxId,
    method: M,
}

impl<M: BuiltinMethod> BuiltinRoute<M> {
    pub(crate) fn route(method: M) -> Arc<dyn Route> {
        let options = M::access().doc(M::DOC);
        Arc::new(Self { options, mailbox: MailboxId(ServiceId::fresh(), 0), method })
    }
}

impl<M: BuiltinMethod> Route for BuiltinRoute<M> {
    fn name(&self) -> &'static str {
        M::NAME
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
        log_debug!(method = M::NAME, notification = call.notification, "call");
        if call.notification {
            return CallStart::Done(Ok(()));
        }
        CallStart::Done(
            no_parameters(params).and_then(|()| self.method.write_result(&call, context.budget, context.out)),
        )
    }

    fn describe(&self, generators: &mut SchemaGenerators) -> MethodDescription {
        let result = generators.received.subschema_for::<M::Output>();
        MethodDescription { order: &[], params: Schema::default(), result, errors: Vec::new(), runs: None }
    }

    fn reject(&self, _: CallContext, _: &Rejection) {}

    fn room(&self, _: &CallContext, _: RejectReason, _: usize) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

/// Accepts absent parameters, `null`, `[]`, `{}` and what a caller says beside the parameters, and
/// nothing else.
fn no_parameters(params: Option<&str>) -> CallOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct MetaAlone {
        #[serde(rename = "_meta")]
        _meta: Option<IgnoredAny>,
    }
    let read = match params {
        None => return Ok(()),
        Some(named) if named.starts_with('{') => serde_json::from_str(named).map(|MetaAlone { .. }| ()),
        Some(other) => serde_json::from_str(other).map(|Nothing {}| ()),
    };
    read.map_err(|_| RpcError::invalid_params(None, "the method takes no parameters"))
}
