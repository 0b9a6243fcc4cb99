//! The route of a method: from JSON parameters to the begin of a call, and from its reply to JSON.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use futures::TryFutureExt;
use futures::future::LocalBoxFuture;

use schemars::JsonSchema;

use crate::jsonrpc::RpcError;
use crate::mailbox::{LimitReached, MethodEntry, ReadyOutput};
use crate::measure::CallRecord;
#[cfg(feature = "nats")]
use crate::route::MethodLoad;
use crate::route::{CallStart, MailboxId, RejectReason, Rejection, Route, SeriesReplies, StartContext};
use crate::service::{
    ByKind, CallContext, CallerPlace, ErrorList, ExecutionInfo, Handles, Link, Message, MethodDescription,
    MethodOptions, MethodTable, SchemaGenerators, Service,
};
use crate::sync::Arc;

use super::answer::{SerializedReplies, pending, write, write_early};
use super::begin::{BatchContext, Begun, Entrance, NewCall, Payload, begin, begin_series};
use super::core::Core;
use super::read::read_all;
use super::subscribe::{Subscribing, state_end};
use super::typed::{reads_request, services_of};

/// One method of a running service.
struct MethodRoute<S: Service, M> {
    core: Arc<Core<S>>,
    entry: Arc<MethodEntry>,
    message: PhantomData<fn(M)>,
}

/// Returns the routes of all methods of a service, in the order of its table.
pub(crate) fn routes<S: Service>(core: &Arc<Core<S>>) -> Vec<Arc<dyn Route>> {
    let mut routes = Routes { core, routes: Vec::new() };
    S::methods(&mut routes);
    routes.routes
}

struct Routes<'a, S: Service> {
    core: &'a Arc<Core<S>>,
    routes: Vec<Arc<dyn Route>>,
}

impl<S: Service> MethodTable<S> for Routes<'_, S> {
    fn add<M: Message<Output: JsonSchema> + JsonSchema>(&mut self, _: MethodOptions)
    where
        S: Handles<M>,
    {
        // The entry exists since the core was created from the same table.
        let entry = self.core.table.entry::<M>();
        let route = entry.map(|entry| MethodRoute::<S, M> {
            core: Arc::clone(self.core),
            entry: Arc::clone(entry),
            message: PhantomData,
        });
        self.routes.extend(route.map(|route| Arc::new(route) as Arc<dyn Route>));
    }
}

impl<S: Handles<M>, M: Message> Route for MethodRoute<S, M> {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    #[cfg(feature = "nats")]
    fn bare_name(&self) -> &'static str {
        M::NAME
    }

    #[cfg(feature = "nats")]
    fn load(&self) -> Option<MethodLoad> {
        Some(self.core.admission.load(&self.entry))
    }

    fn service(&self) -> Option<&'static str> {
        Some(S::NAME)
    }

    fn waits_in(&self, chain: &Link) -> bool {
        chain.has(self.core.id, S::NAME)
    }

    fn options(&self) -> &MethodOptions {
        &self.entry.options
    }

    fn reads_request(&self) -> bool {
        reads_request(&*self.core, &self.entry)
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.entry.slots.capacity())
    }

    fn mailbox(&self) -> MailboxId {
        MailboxId(self.core.id, self.entry.mailbox)
    }

    fn start(&self, mut call: CallContext, params: Option<&str>, context: StartContext<'_>) -> CallStart {
        if Self::IS_SUBSCRIPTION {
            return self.start_subscription(call, params, context);
        }
        self.find_place(&mut call, context.peer);
        let StartContext { budget, inline, out, .. } = context;
        let notification = call.notification;
        call.services = services_of(&*self.core, &self.entry);
        let bytes = params.map_or(0, str::len) + call.request_bytes();
        let incoming = NewCall {
            call,
            message: Payload::Unparsed(params),
            bytes,
            entrance: Entrance::Transport { inline },
            batch: Some(BatchContext { budget, write: write_early::<M> }),
        };
        match begin(&self.core, &self.entry, incoming) {
            Begun::Ended(reply) if notification => CallStart::Done(reply.map(drop)),
            Begun::Ended(reply) => CallStart::Done(write(M::NAME, reply, budget, out)),
            // A constant, so that this is compiled for async `&self` methods only.
            Begun::Runs(run) if S::IS_READ_ASYNC => {
                pending::<M>(run.map_ok(|output| ReadyOutput::Value(output, None)), budget)
            }
            Begun::Runs(_) => unreachable!("{NOT_ACROSS_AWAITS}"),
            Begun::Queued(_) if notification => CallStart::Sent,
            Begun::Queued(call) => pending::<M>(call.answer(), budget),
            Begun::Rejected(rejection) => CallStart::Done(Err(rejection.error)),
            Begun::NoRoom(no_room) => CallStart::NoRoom(no_room),
        }
    }

    fn run_series(
        &self,
        mut call: CallContext,
        params: &mut dyn Iterator<Item = Option<&str>>,
        longest: Duration,
    ) -> Box<dyn SeriesReplies> {
        // Each call of a caller that may have only some takes a place of its own.
        if Self::IS_SUBSCRIPTION || self.entry.caller_limit.is_some() {
            return Box::new(());
        }
        call.services = services_of(&*self.core, &self.entry);
        let replies = begin_series(&self.core, &self.entry, call, longest, || read_all::<M>(params));
        Box::new(SerializedReplies::<M>(replies.into_iter()))
    }

    fn describe(&self, generators: &mut SchemaGenerators) -> MethodDescription {
        describe(&self.entry, S::NAME, generators)
    }

    fn reject(&self, call: CallContext, rejection: &Rejection) {
        CallRecord::outside(&*self.entry, call).reject(rejection);
    }

    fn room(&self, call: &CallContext, reason: RejectReason, members: usize) -> LocalBoxFuture<'_, ()> {
        let full = match reason {
            RejectReason::Caller => return Box::pin(call.place.room()),
            RejectReason::ServiceFull => LimitReached::Service,
            RejectReason::BytesFull => LimitReached::Bytes,
            _ => LimitReached::Mailbox,
        };
        Box::pin(self.entry.slots.room(full, members))
    }
}

impl<S: Handles<M>, M: Message> MethodRoute<S, M> {
    /// A constant, so that of the two ways to start a call only one is compiled for each method.
    const IS_SUBSCRIPTION: bool = M::SUBSCRIPTION.is_some();

    /// Says whose call it is, if the method limits the calls of each caller.
    #[inline]
    fn find_place(&self, call: &mut CallContext, peer: Option<IpAddr>) {
        if let Some(limit) = &self.entry.caller_limit {
            call.place = CallerPlace::of(limit, &call.caller, peer);
        }
    }

    /// Refuses a subscription for the way in which it was sent.
    #[cold]
    fn refuse(&self, call: CallContext, error: RpcError) -> CallStart {
        let rejection = Rejection { reason: RejectReason::Params, error };
        self.reject(call, &rejection);
        CallStart::Done(Err(rejection.error))
    }

    /// Starts a subscription: a call whose result are items, which go to the caller's connection.
    fn start_subscription(&self, mut call: CallContext, params: Option<&str>, context: StartContext<'_>) -> CallStart {
        self.find_place(&mut call, context.peer);
        let StartContext { budget, inline, subscriber, out, .. } = context;
        let subscriber = match subscriber {
            Some(subscriber) if !call.notification => Rc::clone(subscriber),
            Some(_) => return self.refuse(call, RpcError::invalid_request(&WITHOUT_ID)),
            // Not recorded: the transport starts it once more, with a connection, if it can.
            None => return CallStart::Done(Err(RpcError::no_subscriptions())),
        };
        let subscribing = Subscribing {
            entry: Arc::clone(&self.entry),
            subscriber,
            budget: Rc::clone(budget),
            state_end: state_end(&*self.core),
        };
        call.services = services_of(&*self.core, &self.entry);
        let incoming = NewCall {
            bytes: params.map_or(0, str::len) + call.request_bytes(),
            call,
            message: Payload::Unparsed(params),
            entrance: Entrance::Transport { inline },
            batch: None,
        };
        match begin(&self.core, &self.entry, incoming) {
            Begun::Ended(reply) => CallStart::Done(subscribing.finish::<M>(reply, out)),
            Begun::Runs(run) if S::IS_READ_ASYNC => subscribing.pending::<M>(run),
            Begun::Runs(_) => unreachable!("{NOT_ACROSS_AWAITS}"),
            Begun::Queued(call) => subscribing.pending::<M>(call.reply()),
            Begun::Rejected(rejection) => CallStart::Done(Err(rejection.error)),
            Begun::NoRoom(no_room) => CallStart::NoRoom(no_room),
        }
    }
}

const NOT_ACROSS_AWAITS: &str = "only an async `&self` method runs across awaits where its call arrives";

/// The reason to refuse a subscription that was sent as a notification.
const WITHOUT_ID: &str = "a subscription has an id, since its reply has the id of its items";

fn describe(entry: &MethodEntry, service: &'static str, generators: &mut SchemaGenerators) -> MethodDescription {
    let mut errors = ErrorList::new(&mut generators.received);
    (entry.errors)(&mut errors);
    let errors = errors.into_errors();
    MethodDescription {
        order: entry.params,
        params: (entry.params_schema)(&mut generators.sent),
        result: (entry.result_schema)(&mut generators.received),
        errors,
        runs: Some(ExecutionInfo { service, kind: entry.kind, capacity: entry.slots.capacity(), weight: entry.weight }),
    }
}
