//! Inline calls: run where they arrive, while the service has nothing else to do.

use std::hint::spin_loop;

use futures::future::{LocalBoxFuture, ready};
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::mailbox::{Entry, deadline};
use crate::measure::{Count, End};
use crate::service::{CallContext, Current, Method, ReadAsync, Reply, Service};
use crate::sync::Arc;

use super::in_flight::InFlight;
use super::turn::Turn;
use super::{Ran, Running, current, run_async, timed};
use crate::engine::core::{Core, Placement, Status};
use crate::engine::state::{OwnedReading, Side};

/// Whether it is worth a try: the method is short, and nobody waits. To be asked before the parameters are parsed, and only for a
/// method of a kind that runs inline.
pub(crate) fn may_run_inline<S: Service>(core: &Core<S>, entry: &Entry, call: &CallContext) -> bool {
    core.placement == Placement::Inline
        && entry.options.inline
        && core.status() == Status::Up
        && !core.quota.anyone_waits()
        && entry.meter.cost.is_short(call.arrived)
}

/// What did not run inline, and has to take its place in the mailbox.
pub(crate) type NotNow<M> = (CallContext, M);

/// Runs a call of a sync method here, at `began`, which is now, if the state is free.
pub(crate) fn run_now<M: Method>(
    core: &Core<M::Service>,
    entry: &Entry,
    call: CallContext,
    message: M,
    began: Instant,
) -> Result<Reply<M>, NotNow<M>> {
    if let Some(error) = expired(entry, &call, began) {
        return Ok(Err(error));
    }
    let Some(mut turn) = soon(core) else { return Err((call, message)) };
    let running = Running::enter(entry, current(core, &call));
    let ran = timed::<M>(entry, began, || turn.run(entry, &call, message)).in_time(&call, began);
    drop(running);
    drop(turn);
    count(entry, &call, &ran);
    Ok(ran.reply)
}

/// Counts a run that has ended.
fn count<M: Method>(entry: &Entry, call: &CallContext, ran: &Ran<M>) {
    entry.meter.tally.add(Count::Inline, 1);
    let queued = (ran.at - ran.took).duration_since(call.arrived);
    entry.meter.ended(call, ran.end, ran.reply.as_ref().err(), queued, Some(ran.took));
}

/// So often the state is tried for that another call holds: long enough for a short call to end, and far shorter than it takes
/// to wake the host.
const TRIES: u32 = 100;

/// Takes the state, if it is or becomes free within a moment and nobody waits for it.
///
/// Whether anyone waits is asked once more when the state is held: a call that is in a mailbox by then is never overtaken.
pub(super) fn soon<M: Method>(core: &Core<M::Service>) -> Option<Turn<'_, M>> {
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

/// Starts a call of an async `&self` method here, if the state is free; the future holds its share until it ends.
pub(crate) fn run_here<M: Method>(
    core: &Core<M::Service>,
    entry: &Arc<Entry>,
    call: CallContext,
    message: M,
    run: ReadAsync<M>,
) -> Result<LocalBoxFuture<'static, Reply<M>>, NotNow<M>> {
    let turn = InFlight::take(&entry.in_flight, &core.in_flight)
        .and_then(|in_flight| core.state.try_read_owned(in_flight))
        .filter(|_| !core.quota.anyone_waits());
    let Some(turn) = turn else { return Err((call, message)) };
    if let Some(error) = expired(entry, &call, Instant::now()) {
        return Ok(Box::pin(ready(Err(error))));
    }
    let around = current(core, &call);
    Ok(Box::pin(read_async(Arc::clone(entry), turn, call, message, run, around)))
}

/// The answer of a call that has no time left, who knows where it was spent: it does not start.
fn expired(entry: &Entry, call: &CallContext, now: Instant) -> Option<RpcError> {
    if now < call.deadline {
        return None;
    }
    let error = deadline(call, now);
    entry.meter.ended(call, End::Expired, Some(&error), now.duration_since(call.arrived), None);
    Some(error)
}

async fn read_async<M: Method>(
    entry: Arc<Entry>,
    turn: OwnedReading<M::Service>,
    call: CallContext,
    message: M,
    run: ReadAsync<M>,
    around: Current,
) -> Reply<M> {
    entry.meter.tally.add(Count::Inline, 1);
    let mut count = CountOnce { entry: &entry, call: &call, began: Instant::now(), counted: false };
    let run = run_async::<M>(&entry, around, || run(turn.state(), message, &call));
    match tokio::time::timeout_at(call.deadline, run).await {
        Ok(ran) => {
            let ran = ran.in_time(&call, count.began);
            count.end::<M>(ran.end, &ran.reply);
            ran.reply
        }
        Err(_) => {
            let reply = Err(deadline(&call, count.began));
            count.end::<M>(End::Expired, &reply);
            reply
        }
    }
}

/// Counts a call that is dropped on its way as abandoned.
struct CountOnce<'a> {
    entry: &'a Entry,
    call: &'a CallContext,
    began: Instant,
    counted: bool,
}

impl CountOnce<'_> {
    fn end<M: Method>(&mut self, end: End, reply: &Reply<M>) {
        self.counted = true;
        let queued = self.began.duration_since(self.call.arrived);
        self.entry.meter.ended(self.call, end, reply.as_ref().err(), queued, Some(self.began.elapsed()));
    }
}

impl Drop for CountOnce<'_> {
    fn drop(&mut self) {
        if !self.counted {
            let queued = self.began.duration_since(self.call.arrived);
            self.entry.meter.ended(self.call, End::Abandoned, None, queued, Some(self.began.elapsed()));
        }
    }
}
