//! Methods of callbox's own: `get_service_specs`, `rpc.discover` and `rpc.mailboxes`.
//!
//! They answer from what they know, at once and where they are called: no mailbox, no host.

mod discover;
mod mailboxes;
mod openrpc;
mod own_address;
mod specs;

use futures::future::{LocalBoxFuture, ready};
use schemars::{JsonSchema, Schema};

use crate::jsonrpc::{Budget, RpcError};
use crate::route::{CallOutcome, MailboxId, RejectReason, Rejection, Route, StartContext, StartResult};
use crate::service::{CallContext, Description, Generators, MethodOptions, ServiceId};
use crate::sync::Arc;

pub(crate) use discover::Discover;
pub(crate) use mailboxes::Mailboxes;
pub(crate) use specs::{Facts, Specs};

/// What a built-in method knows.
pub(crate) trait Answer: Send + Sync + 'static {
    const NAME: &'static str;
    const DOC: &'static str;

    /// What it answers, as the document tells it.
    type Told: JsonSchema;

    /// Who may call it, and whether its answer depends on who does. It gets the method's [`DOC`](Self::DOC) besides.
    fn access() -> MethodOptions;

    /// Writes the answer behind what is in `out`.
    fn answer(&self, call: &CallContext, budget: &Budget, out: &mut Vec<u8>) -> CallOutcome;
}

/// A built-in method, as a route like all others.
pub(crate) struct Builtin<A> {
    options: MethodOptions,
    mailbox: MailboxId,
    answer: A,
}

impl<A: Answer> Builtin<A> {
    pub(crate) fn route(answer: A) -> Arc<dyn Route> {
        let options = A::access().doc(A::DOC);
        Arc::new(Self { options, mailbox: MailboxId(ServiceId::fresh(), 0), answer })
    }
}

impl<A: Answer> Route for Builtin<A> {
    fn name(&self) -> &'static str {
        A::NAME
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

    fn start(&self, call: CallContext, params: Option<&str>, context: StartContext<'_>) -> StartResult {
        log_debug!(method = A::NAME, notification = call.notification, "call");
        if call.notification {
            return StartResult::Done(Ok(()));
        }
        StartResult::Done(no_parameters(params).and_then(|()| self.answer.answer(&call, context.budget, context.out)))
    }

    fn describe(&self, generators: &mut Generators) -> Description {
        let result = generators.answered.subschema_for::<A::Told>();
        Description { order: &[], params: Schema::default(), result, errors: Vec::new(), runs: None }
    }

    fn reject(&self, _: CallContext, _: &Rejection) {}

    fn room(&self, _: RejectReason, _: usize) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

/// Nothing, `null`, `[]` and `{}` are no parameters; all else is too much.
fn no_parameters(params: Option<&str>) -> CallOutcome {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    match params.map(serde_json::from_str::<Nothing>) {
        None | Some(Ok(Nothing {})) => Ok(()),
        Some(Err(_)) => Err(RpcError::invalid_params(None, "the method takes no parameters")),
    }
}
