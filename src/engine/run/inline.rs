//! Inline calls: run on the thread where they arrive, while the service has nothing else to do.

use std::hint::spin_loop;
use std::pin::pin;

use futures::future::{LocalBoxFuture, ready};
use tokio::time::Instant;

use crate::engine::core::Core;
use crate::engine::state::{OwnedReading, Side};
use crate::jsonrpc::RpcError;
use crate::mailbox::{MethodEntry, deadline_error, expire_if_late};
use crate::measure::{CallEnd, CallRecord, NoticesCancel};
use crate::service::{CallContext, Current, Handles, Message, ReadAsync, Reply, Service};
use crate::sync::Arc;

use super::in_flight::InFlight;
use super::{Turn, current, run, run_async};

/// A call that could not run inline and goes to its mailbox.
pub(crate) type Deferred<M> = (CallContext, M);

/// Runs a call of a sync method, if the state is free. `began` is the current time.
#[expect(clippy::result_large_err, reason = "a call that goes on to its mailbox, which a box would cost an allocation")]
#[inline(always)]
pub(crate) fn run_now<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &MethodEntry,
    call: CallContext,
    message: M,
    began: Instant,
) -> Result<Reply<M>, Deferred<M>> {
    if began >= call.deadline {
        return Ok(Err(expire(entry, call, began)));
    }
    let Some(turn) = take_soon(core) else { return Err((call, message)) };
    let record = CallRecord::inline(entry, call, began);
    let call = record.call();
    let ran = run(entry, current(core, call), call, turn, message, began);
    let (reply, end) = expire_if_late(ran.reply, ran.end, call, ran.at, || began);
    record.end(end, reply.as_ref().err(), Some((began, ran.took)), ran.at);
    Ok(reply)
}

/// Number of times to try the state before queueing the call: long enough for a short call to end,
/// and far shorter than waking the host.
const TRIES: u32 = 100;

/// Takes the state, if it is free or becomes free within a moment, and no call waits for it.
///
/// Waiting calls are checked again while the state is held: a call that is in a mailbox by then is
/// never overtaken.
pub(super) fn take_soon<S: Handles<M>, M: Message>(core: &Core<S>) -> Option<Turn<'_, S, M>> {
    for _ in 0..TRIES {
        if let Some(turn) = Turn::take(&core.state, Side::Caller) {
            return (!core.quota.anyone_waits()).then_some(turn);
        }
        if core.quota.anyone_waits() {
            return None;
        }
        spin_loop();
    }
    None
}

/// Starts a call of an async `&self` method on this thread, if the state is free. The future holds
/// its share of the state until it ends.
#[expect(clippy::result_large_err, reason = "a call that goes on to its mailbox, which a box would cost an allocation")]
pub(crate) fn run_here<S: Service, M: Message>(
    core: &Core<S>,
    entry: &Arc<MethodEntry>,
    call: CallContext,
    message: M,
    method: ReadAsync<S, M>,
) -> Result<LocalBoxFuture<'static, Reply<M>>, Deferred<M>> {
    let turn = InFlight::take(&entry.in_flight, &core.in_flight)
        .and_then(|in_flight| core.state.try_read_owned(in_flight))
        .filter(|_| !core.quota.anyone_waits());
    let Some(turn) = turn else { return Err((call, message)) };
    let began = Instant::now();
    if began >= call.deadline {
        return Ok(Box::pin(ready(Err(expire(entry, call, began)))));
    }
    let around = current(core, &call);
    let record = CallRecord::inline(Arc::clone(entry), call, began);
    Ok(Box::pin(read_async(record, began, turn, message, method, around)))
}

/// Returns the deadline error of a call that has expired before it started.
fn expire(entry: &MethodEntry, call: CallContext, now: Instant) -> RpcError {
    let error = deadline_error(&call, now);
    CallRecord::outside(entry, call).end(CallEnd::Expired, Some(&error), None, now);
    error
}

async fn read_async<S: Service, M: Message>(
    record: CallRecord<Arc<MethodEntry>>,
    began: Instant,
    turn: OwnedReading<S>,
    message: M,
    method: ReadAsync<S, M>,
    around: Current,
) -> Reply<M> {
    let (entry, call) = (record.entry(), record.call());
    let run = run_async::<M>(entry, around, || method(turn.state(), message, call));
    let mut run = pin!(tokio::time::timeout_at(call.deadline, run));
    // Dropped before the run, and so before the calls that the method waits for.
    let _cancel = NoticesCancel(call);
    let (reply, end) = match run.as_mut().await {
        Ok(ran) => expire_if_late(ran.reply, ran.end, call, ran.at, || began),
        Err(_) => (Err(deadline_error(call, began)), CallEnd::Expired),
    };
    let now = Instant::now();
    record.end(end, reply.as_ref().err(), Some((began, now.duration_since(began))), now);
    reply
}
