//! The route of a method: from JSON parameters to its mailbox, or inline, and from its output to JSON.

use std::any::Any;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::TryFutureExt;
use futures::future::LocalBoxFuture;
use pin_project_lite::pin_project;
use serde::Serialize;
use tokio::time::Instant;

use crate::jsonrpc::{Budget, Pending, RpcError};
use crate::log::{caught, discard, panic_text};
use crate::mailbox::{Call, Entry, Full, Member, Ready};
use crate::measure::End;
use crate::route::{MailboxId, Outcome, Refusal, Replies, Route, Started, Terms, UnderWay, Why};
use crate::service::{
    ByKind, CallContext, Description, ErrorList, Generators, Handler, Method, MethodOptions, Reply, Runs, Service,
    read_params,
};
use crate::sync::Arc;

use super::core::Core;
use super::handed::writing_panicked;
use super::run::inline::{may_run_inline, run_here, run_now};
use super::run::series::run_series;

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

/// Reads the message of a call. A panic in somebody's `Deserialize` is an error of this call alone.
fn read<M: Method>(params: Option<&str>) -> Result<M, RpcError> {
    caught(|| read_params::<M>(params)).unwrap_or_else(|panic| Err(reading_panicked(M::NAME, &*panic)))
}

fn reading_panicked(name: &'static str, panic: &(dyn Any + Send)) -> RpcError {
    RpcError::internal_in(name, &format_args!("reading the parameters of {name} panicked: {}", panic_text(panic)))
}

/// Writes the output of a call, or says which error is to be written. A panic in somebody's `Serialize` is one.
fn write<T: Serialize>(
    method: &'static str,
    reply: Result<T, RpcError>,
    budget: &Budget,
    out: &mut Vec<u8>,
) -> Outcome {
    let output = reply.map_err(|error| budget.error(error))?;
    let written = caught(|| budget.write(out, method, &output));
    discard(output);
    written.unwrap_or_else(|panic| Err(writing_panicked(method, panic)))
}

/// Writes the output of a member of a batch where it ran, within what the batch has left for it.
fn write_early<M: Method>(output: M::Output, pending: &Pending) -> Result<Vec<u8>, RpcError> {
    let (budget, mut out) = (Budget::new(pending.left()), Vec::new());
    let outcome = write(M::NAME, Ok(output), &budget, &mut out);
    if budget.is_full() {
        pending.fill();
    }
    outcome.map(|()| out)
}

/// The same as [`write`] for a reply that has waited.
fn write_ready<T: Serialize>(
    method: &'static str,
    ready: Result<Ready<T>, RpcError>,
    budget: &Budget,
    out: &mut Vec<u8>,
) -> Outcome {
    match ready {
        Ok(Ready::Value(output, hold)) => {
            let outcome = write(method, Ok(output), budget, out);
            // Until it is written, or dropped, its batch counts it as one that waits.
            drop(hold);
            outcome
        }
        Ok(Ready::Written(written, hold)) => {
            // Not counted as waiting and as part of the response at once: a result that is written
            // at this moment would find too little room, and be rejected although it fits.
            drop(hold);
            budget.accept(out, &written)
        }
        Err(error) => Err(budget.error(error)),
    }
}

pin_project! {
    /// A call whose reply is written once it is there.
    struct Replying<F> {
        #[pin]
        reply: F,
        method: &'static str,
        budget: Rc<Budget>,
    }
}

impl<T: Serialize, F: Future<Output = Result<Ready<T>, RpcError>>> UnderWay for Replying<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Outcome> {
        let this = self.project();
        let reply = ready!(this.reply.poll(cx));
        Poll::Ready(write_ready(this.method, reply, this.budget, out))
    }
}

/// The replies to calls of one method.
struct Series<M: Method>(vec::IntoIter<Reply<M>>);

impl<M: Method> Replies for Series<M> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn write_next(&mut self, budget: &Budget, out: &mut Vec<u8>) -> Option<Outcome> {
        self.0.next().map(|reply| write(M::NAME, reply, budget, out))
    }
}

fn waits<M: Method>(
    reply: impl Future<Output = Result<Ready<M::Output>, RpcError>> + 'static,
    budget: &Rc<Budget>,
) -> Started {
    Started::Waits(Box::pin(Replying { reply, method: M::NAME, budget: Rc::clone(budget) }))
}

fn describe(entry: &Entry, service: &'static str, generators: &mut Generators) -> Description {
    let mut errors = ErrorList::new(&mut generators.answered);
    (entry.errors)(&mut errors);
    let errors = errors.into_errors();
    Description {
        order: entry.params,
        params: (entry.params_schema)(&mut generators.sent),
        result: (entry.result_schema)(&mut generators.answered),
        errors,
        runs: Some(Runs { service, kind: entry.kind, capacity: entry.places.most(), weight: entry.weight }),
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

    fn start(&self, call: CallContext, params: Option<&str>, terms: Terms<'_>) -> Started {
        let Terms { budget, inline, out } = terms;
        // Somebody has to poll the future of an async method on this thread until it ends: for a notification nobody does.
        let inline = inline && (M::IS_SYNC || M::IS_READ_ASYNC && !call.notification);
        if !inline || !may_run_inline(&self.core, &self.entry, &call) {
            return self.queue(call, budget, params, None);
        }
        let message = match read::<M>(params) {
            Ok(message) => message,
            Err(error) => return self.turn_away(&call, Refusal { why: Why::Params, error }),
        };
        let notification = call.notification;
        let (call, message) = if M::IS_SYNC {
            match run_now(&self.core, &self.entry, call, message, Instant::now()) {
                Ok(reply) if notification => return Started::Done(reply.map(drop)),
                Ok(reply) => return Started::Done(write(M::NAME, reply, budget, out)),
                Err(not_now) => not_now,
            }
        } else if M::IS_READ_ASYNC
            && let Handler::ReadAsync(run) = M::HANDLER
        {
            match run_here(&self.core, &self.entry, call, message, run) {
                Ok(run) => return waits::<M>(run.map_ok(|output| Ready::Value(output, None)), budget),
                Err(not_now) => not_now,
            }
        } else {
            (call, message)
        };
        self.queue(call, budget, params, Some(message))
    }

    fn run_series(&self, call: &CallContext, params: &mut dyn Iterator<Item = Option<&str>>) -> Box<dyn Replies> {
        if !M::IS_SYNC || !may_run_inline(&self.core, &self.entry, call) {
            return Box::new(());
        }
        // Parameters that cannot be read end the series, and so does a panic: what to say of them, the call's own start knows.
        let mut messages = Vec::with_capacity(params.size_hint().0);
        let read_all = || messages.extend(params.map_while(|params| read_params::<M>(params).ok()));
        let _ = caught(read_all);
        Box::new(Series::<M>(run_series(&self.core, &self.entry, call, messages).into_iter()))
    }

    fn describe(&self, generators: &mut Generators) -> Description {
        describe(&self.entry, M::Service::NAME, generators)
    }

    fn expired(&self, call: &CallContext, error: &RpcError) {
        self.entry.meter.ended(call, End::Expired, Some(error), call.arrived.elapsed(), None);
    }

    fn refused(&self, call: &CallContext, refusal: &Refusal) {
        self.entry.meter.ended(call, End::Refused(refusal.why), Some(&refusal.error), call.arrived.elapsed(), None);
    }

    fn room(&self, why: Why, members: usize) -> LocalBoxFuture<'_, ()> {
        let full = match why {
            Why::ServiceFull => Full::Service,
            Why::BytesFull => Full::Bytes,
            _ => Full::Mailbox,
        };
        Box::pin(self.entry.places.room(full, members))
    }
}

impl<M: Method> MethodRoute<M> {
    fn turn_away(&self, call: &CallContext, refusal: Refusal) -> Started {
        self.refused(call, &refusal);
        Started::Done(Err(refusal.error))
    }

    fn queue(&self, call: CallContext, budget: &Rc<Budget>, params: Option<&str>, message: Option<M>) -> Started {
        let permit = match self.core.admit(&self.entry, &call, params.map_or(0, str::len), Instant::now()) {
            Ok(permit) => permit,
            Err(refusal) => {
                discard(message);
                if refusal.why == Why::Unavailable {
                    return self.turn_away(&call, refusal);
                }
                // Not counted as refused yet: a batch may wait for room.
                return Started::NoRoom(call, refusal);
            }
        };
        let message = match message.map_or_else(|| read(params), Ok) {
            Ok(message) => message,
            Err(error) => return self.turn_away(&call, Refusal { why: Why::Params, error }),
        };
        let notification = call.notification;
        let pending = if notification { None } else { budget.pending() };
        let member = pending.map(|pending| Member { pending: Arc::clone(pending), write: write_early::<M> });
        let call = Call::of_batch(call, message, permit, Arc::clone(&self.entry), member);
        self.core.push_gathered(call.clone());
        if notification {
            return Started::Sent;
        }
        waits::<M>(call.answer(), budget)
    }
}
