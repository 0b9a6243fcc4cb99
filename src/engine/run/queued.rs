//! Calls from a mailbox: how a call of each kind starts, and how it ends.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;

use crate::engine::core::AnyCore;
use crate::engine::job::{Job, JobStart};
use crate::engine::queued_job::QueuedJob;
use crate::engine::state::{OwnedReading, OwnedWriting, Side, StateLock};
use crate::jsonrpc::RpcError;
use crate::log::discard;
use crate::mailbox::{Call, CallerWake, MethodEntry, deadline_error};
use crate::measure::CallEnd;
use crate::route::Rejection;
use crate::service::{ByKind, Compute, Current, Handler, Handles, Message, ReadAsync, Service, WriteAsync};
use crate::sync::Arc;

use super::in_flight::InFlight;
use super::pool::PoolPermit;
use super::{RunResult, Turn, current, keeps_state, run, run_async};

impl<M: Message> Job for Call<M> {
    fn entry(&self) -> &Arc<MethodEntry> {
        self.entry()
    }

    fn is_queued(&self) -> bool {
        self.is_queued()
    }

    fn arrived(&self) -> Instant {
        self.context().arrived
    }

    fn reject(&self, rejection: Rejection) {
        self.reject(rejection);
    }

    fn cut_off(&self) {
        self.cut_off();
    }
}

/// Returns a call of a service as an item of its mailbox.
pub(crate) fn queued<S: Handles<M>, M: Message>(call: Arc<Call<M>>) -> QueuedJob {
    QueuedJob { job: call, start: start::<S, M> }
}

/// Starts a call that was [queued] with the same types.
fn start<S: Handles<M>, M: Message>(job: Arc<dyn Job>, core: &Arc<AnyCore>, now: Instant) -> JobStart {
    let job: Arc<dyn Any + Send + Sync> = job;
    let (Ok(call), Some(state)) = (job.downcast::<Call<M>>(), core.state_of::<S>()) else {
        unreachable!("a call waits in a mailbox of its own service");
    };
    match S::HANDLER {
        Handler::Read(_) | Handler::Write(_) if <S as ByKind<M>>::IS_SYNC => call.run::<S>(core, state, now),
        Handler::ReadAsync(run) if <S as ByKind<M>>::IS_READ_ASYNC => call.start_reading(core, state, now, run),
        Handler::WriteAsync(run) if <S as ByKind<M>>::IS_WRITE_ASYNC => call.start_writing(core, state, now, run),
        Handler::Compute(run) if <S as ByKind<M>>::IS_COMPUTE => call.hand_over::<S>(core, now, run),
        _ => unreachable!("a handler is of its own kind"),
    }
}

impl<M: Message> Call<M> {
    fn cut_off(&self) {
        if !self.is_queued() && !self.is_over() {
            let _lines = self.context().log_scope();
            let cause = format_args!("the method {} was cut off while it ran", self.entry().name);
            let error = RpcError::internal_in(self.entry().name, &cause);
            self.end(Err(error), CallEnd::Panicked, Instant::now()).wake();
        }
    }

    fn run<S: Handles<M>>(&self, core: &AnyCore, state: &StateLock<S>, now: Instant) -> JobStart {
        let Some(turn) = Turn::take(state, Side::Host) else { return JobStart::Blocked };
        let Some(message) = self.begin(now) else { return JobStart::Nothing };
        let call = self.context();
        let RunResult { reply, end, took, at } = run(self.entry(), current(core, call), call, turn, message, now);
        JobStart::Ran { release: self.end(reply, end, at), took, at }
    }

    fn start_reading<S: Service>(
        self: Arc<Self>,
        core: &AnyCore,
        state: &StateLock<S>,
        now: Instant,
        run: ReadAsync<S, M>,
    ) -> JobStart {
        let Some(in_flight) = InFlight::take(&self.entry().in_flight, &core.in_flight) else {
            return JobStart::Blocked;
        };
        let Some(turn) = state.try_read_owned(in_flight) else { return JobStart::Blocked };
        let Some(message) = self.begin(now) else { return JobStart::Nothing };
        let around = current(core, self.context());
        JobStart::Runs(Box::pin(read_async(AsyncCall(self), turn, message, run, around)))
    }

    fn start_writing<S: Service>(
        self: Arc<Self>,
        core: &AnyCore,
        state: &StateLock<S>,
        now: Instant,
        run: WriteAsync<S, M>,
    ) -> JobStart {
        let Some(turn) = state.try_write_owned() else { return JobStart::Blocked };
        let Some(message) = self.begin(now) else { return JobStart::Nothing };
        let around = current(core, self.context());
        JobStart::Runs(Box::pin(write_async(AsyncCall(self), turn, message, run, around)))
    }

    fn hand_over<S: Handles<M>>(self: Arc<Self>, core: &Arc<AnyCore>, now: Instant, method: Compute<M>) -> JobStart {
        let Some(place) = core.pool.permit() else { return JobStart::Blocked };
        let Some(message) = self.begin(now) else { return JobStart::Nothing };
        let around = current(core, self.context());
        let on_pool = PoolRun { core: Arc::clone(core), job: self.clone(), place: Some(place) };
        core.pool.spawn(self.clone(), move || {
            // Its deadline may have passed while the pool was busy with calls of other services.
            if !self.is_over() {
                let (turn, now) = (Turn::<S, M>::Stateless(method), Instant::now());
                let RunResult { reply, end, at, .. } = run(self.entry(), around, self.context(), turn, message, now);
                self.end(reply, end, at).wake();
            } else {
                discard(message);
            }
            drop(on_pool);
        });
        JobStart::OnPool
    }
}

/// Runs until the method ends or its caller has left.
async fn read_async<S: Service, M: Message>(
    call: AsyncCall<M>,
    turn: OwnedReading<S>,
    message: M,
    run: ReadAsync<S, M>,
    around: Current,
) -> CallerWake {
    let ended = {
        let mut run = pin!(run_async::<M>(call.entry(), around, || run(turn.state(), message, call.context())));
        let given_up = poll_fn(|cx| match call.is_over_or_wakes(cx) {
            true => Poll::Ready(None),
            false => run.as_mut().poll(cx).map(Some),
        });
        // The side of the caller ends a call at its deadline. A notification has no caller that
        // waits.
        if call.context().is_notification() {
            tokio::time::timeout_at(call.context().deadline, given_up).await
        } else {
            Ok(given_up.await)
        }
    };
    drop(turn);
    let now = Instant::now();
    match ended {
        Ok(Some(ran)) => call.end(ran.reply, ran.end, ran.at),
        Ok(None) => CallerWake::none(),
        Err(_) => call.end(Err(deadline_error(call.context(), now)), CallEnd::Expired, now),
    }
}

/// Runs until the method ends, even if its caller has left: stopping at an await could leave the
/// state half-changed.
async fn write_async<S: Service, M: Message>(
    call: AsyncCall<M>,
    mut turn: OwnedWriting<S>,
    message: M,
    run: WriteAsync<S, M>,
    around: Current,
) -> CallerWake {
    let (state, context) = (&mut turn, call.context());
    let ran = run_async::<M>(call.entry(), around, move || run(state.state(), message, context)).await;
    if keeps_state(call.entry(), ran.end) {
        turn.complete();
    }
    drop(turn);
    call.end(ran.reply, ran.end, ran.at)
}

/// An async call that has begun. Dropping its future before the end, even before its first poll,
/// answers the call as cut off.
struct AsyncCall<M: Message>(Arc<Call<M>>);

impl<M: Message> Deref for AsyncCall<M> {
    type Target = Call<M>;

    fn deref(&self) -> &Call<M> {
        &self.0
    }
}

impl<M: Message> Drop for AsyncCall<M> {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

/// A call in the worker pool, until it is dropped.
struct PoolRun {
    core: Arc<AnyCore>,
    job: Arc<dyn Job>,
    place: Option<PoolPermit>,
}

impl Drop for PoolRun {
    fn drop(&mut self) {
        self.core.pool.ended(&self.job);
        self.place = None;
        self.core.signals.bell.nudge();
    }
}
