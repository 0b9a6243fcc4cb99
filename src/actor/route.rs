//! The route of a method: from JSON parameters to its mailbox, or inline, and from its output to JSON.

use std::marker::PhantomData;

use futures::future::LocalBoxFuture;
use schemars::SchemaGenerator;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::{Budget, RpcError};
use crate::mailbox::{Call, End, Entry};
use crate::service::{
    CallContext, Description, Kind, MailboxId, Method, MethodOptions, Outcome, Refusal, Reply, Route, Started, Terms,
    Why, read_params,
};
use crate::sync::Arc;

use super::core::Core;
use super::inline::{Here, may_run_inline, run_here, run_now};

/// One method of a running service.
pub(crate) struct MethodRoute<M: Method> {
    core: Arc<Core<M::Service>>,
    entry: Arc<Entry>,
    message: PhantomData<fn(M)>,
}

impl<M: Method> MethodRoute<M> {
    pub(crate) fn shared(core: &Arc<Core<M::Service>>, entry: &Arc<Entry>) -> Arc<dyn Route> {
        Arc::new(Self { core: Arc::clone(core), entry: Arc::clone(entry), message: PhantomData })
    }
}

/// The reply as JSON text.
fn to_json<M: Method>(reply: Reply<M>, budget: &Budget) -> Outcome {
    match reply {
        Ok(output) => budget.to_json(&output),
        Err(error) => Err(budget.error(error)),
    }
}

impl<M: Method> Route for MethodRoute<M> {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn options(&self) -> &MethodOptions {
        &self.entry.options
    }

    fn mailbox(&self) -> MailboxId {
        MailboxId(self.core.id, self.entry.mailbox)
    }

    fn start(&self, call: CallContext, params: Option<&RawValue>, terms: Terms) -> Started {
        let budget = terms.budget;
        if terms.inline && may_run_inline(&self.core, &self.entry, &call, Here::Stay) {
            let message = match read_params::<M>(params) {
                Ok(message) => message,
                Err(error) => return self.turn_away(&call, Refusal { why: Why::Params, error }),
            };
            let not_now = match self.entry.kind {
                Kind::ReadAsync => match run_here(&self.core, &self.entry, call, message) {
                    Ok(run) => return Started::Waits(Box::pin(async move { to_json::<M>(run.await, &budget) })),
                    Err(not_now) => not_now,
                },
                _ => match run_now(&self.core, &self.entry, call, message, Instant::now()) {
                    Ok(reply) => return Started::Done(to_json::<M>(reply, &budget)),
                    Err(not_now) => not_now,
                },
            };
            let (call, message) = not_now;
            return self.queue(call, budget, params, |_| Ok(message));
        }
        self.queue(call, budget, params, read_params::<M>)
    }

    fn describe(&self, generator: &mut SchemaGenerator) -> Description {
        let params = (self.entry.params_schema)(generator);
        Description { order: self.entry.params, params, result: (self.entry.result_schema)(generator) }
    }

    fn expired(&self, call: &CallContext, error: &RpcError) {
        self.entry.meter.ended(call, End::Expired, Some(error), call.arrived.elapsed(), None);
    }

    fn refused(&self, call: &CallContext, refusal: &Refusal) {
        self.entry.meter.ended(call, End::Refused(refusal.why), Some(&refusal.error), call.arrived.elapsed(), None);
    }

    fn room(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(self.core.quota.room())
    }
}

impl<M: Method> MethodRoute<M> {
    fn turn_away(&self, call: &CallContext, refusal: Refusal) -> Started {
        self.refused(call, &refusal);
        Started::Done(Err(refusal.error))
    }

    fn queue(
        &self,
        call: CallContext,
        budget: Arc<Budget>,
        params: Option<&RawValue>,
        read: impl FnOnce(Option<&RawValue>) -> Result<M, RpcError>,
    ) -> Started {
        let permit = match self.core.admit(&self.entry, &call, params.map_or(0, |raw| raw.get().len()), Instant::now())
        {
            Ok(permit) => permit,
            Err(refusal) if refusal.why == Why::Unavailable => return self.turn_away(&call, refusal),
            // Not counted as refused yet: a batch may wait for room.
            Err(refusal) => return Started::NoRoom(call, refusal),
        };
        let message = match read(params) {
            Ok(message) => message,
            Err(error) => return self.turn_away(&call, Refusal { why: Why::Params, error }),
        };
        let notification = call.notification;
        let call = Call::new(call, message, permit, Arc::clone(&self.entry));
        self.core.push(Arc::clone(&call));
        if notification {
            return Started::Sent;
        }
        Started::Waits(Box::pin(async move { to_json::<M>(call.reply().await, &budget) }))
    }
}
