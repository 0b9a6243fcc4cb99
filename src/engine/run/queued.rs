//! Calls that come from their mailbox: how one of each kind starts, and what becomes of it.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;

use crate::engine::core::Core;
use crate::engine::job::{Job, Start};
use crate::engine::state::{OwnedReading, OwnedWriting, Side};
use crate::jsonrpc::RpcError;
use crate::log::discard;
use crate::mailbox::{Call, Entry, Release, deadline};
use crate::measure::End;
use crate::route::Rejection;
use crate::service::{ByKind, Compute, Current, Handler, Handles, Message, ReadAsync, Service, WriteAsync};
use crate::sync::Arc;

use super::in_flight::InFlight;
use super::pool::Place;
use super::{Ran, Turn, current, keeps_state, run, run_async};

impl<S: Handles<M>, M: Message> Job<Core<S>> for Call<M> {
    fn entry(&self) -> &Arc<Entry> {
        self.entry()
    }

    fn is_queued(&self) -> bool {
        self.is_queued()
    }

    fn arrived(&self) -> Instant {
        self.context().arrived
    }

    fn turn_away(&self, rejection: Rejection) {
        self.turn_away(rejection);
    }

    fn cut_off(&self) {
        self.cut_off();
    }

    fn start(self: Arc<Self>, core: &Arc<Core<S>>, now: Instant) -> Start {
        match S::HANDLER {
            Handler::Read(_) | Handler::Write(_) if <S as ByKind<M>>::IS_SYNC => self.run(core, now),
            Handler::ReadAsync(run) if <S as ByKind<M>>::IS_READ_ASYNC => self.start_reading(core, now, run),
            Handler::WriteAsync(run) if <S as ByKind<M>>::IS_WRITE_ASYNC => self.start_writing(core, now, run),
            Handler::Compute(run) if <S as ByKind<M>>::IS_COMPUTE => self.hand_over(core, now, run),
            _ => unreachable!("a handler is of its own kind"),
        }
    }
}

/// How a call of each kind starts.
impl<M: Message> Call<M> {
    fn cut_off(&self) {
        if !self.is_queued() && !self.is_over() {
            let cause = format_args!("the method {} was cut off while it ran", self.entry().name);
            let error = RpcError::internal_in(self.entry().name, &cause);
            self.end(Err(error), End::Panicked, Instant::now()).wake();
        }
    }

    fn run<S: Handles<M>>(&self, core: &Core<S>, now: Instant) -> Start {
        let Some(turn) = Turn::take(&core.state, Side::ServiceActor) else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let call = self.context();
        let Ran { reply, end, took, at } = run(self.entry(), current(core, call), call, turn, message, now);
        Start::Ran { release: self.end(reply, end, at), took, at }
    }

    fn start_reading<S: Service>(self: Arc<Self>, core: &Core<S>, now: Instant, run: ReadAsync<S, M>) -> Start {
        let Some(in_flight) = InFlight::take(&self.entry().in_flight, &core.in_flight) else { return Start::Blocked };
        let Some(turn) = core.state.try_read_owned(in_flight) else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        Start::Runs(Box::pin(read_async(UnderWay(self), turn, message, run, around)))
    }

    fn start_writing<S: Service>(self: Arc<Self>, core: &Core<S>, now: Instant, run: WriteAsync<S, M>) -> Start {
        let Some(turn) = core.state.try_write_owned() else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        Start::Runs(Box::pin(write_async(UnderWay(self), turn, message, run, around)))
    }

    fn hand_over<S: Handles<M>>(self: Arc<Self>, core: &Arc<Core<S>>, now: Instant, method: Compute<M>) -> Start {
        let Some(place) = core.workers.place() else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        let on_pool = OnPool { core: Arc::clone(core), job: self.clone(), place: Some(place) };
        core.workers.spawn(self.clone(), move || {
            // Its deadline may have passed while the pool was busy with other services' calls.
            if !self.is_over() {
                let (turn, now) = (Turn::<S, M>::Stateless(method), Instant::now());
                let Ran { reply, end, at, .. } = run(self.entry(), around, self.context(), turn, message, now);
                self.end(reply, end, at).wake();
            } else {
                discard(message);
            }
            drop(on_pool);
        });
        Start::Handed
    }
}

/// Runs until it ends, or until nobody waits for it any more.
async fn read_async<S: Service, M: Message>(
    call: UnderWay<M>,
    turn: OwnedReading<S>,
    message: M,
    run: ReadAsync<S, M>,
    around: Current,
) -> Release {
    let ended = {
        let mut run = pin!(run_async::<M>(call.entry(), around, || run(turn.state(), message, call.context())));
        let given_up = poll_fn(|cx| match call.is_over_or_wakes(cx) {
            true => Poll::Ready(None),
            false => run.as_mut().poll(cx).map(Some),
        });
        // A caller minds its own deadline; nobody does for a notification.
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
        Ok(None) => Release::nobody(),
        Err(_) => call.end(Err(deadline(call.context(), now)), End::Expired, now),
    }
}

/// Runs to its end, whether anybody waits for it or not: half-way the state may be torn.
async fn write_async<S: Service, M: Message>(
    call: UnderWay<M>,
    mut turn: OwnedWriting<S>,
    message: M,
    run: WriteAsync<S, M>,
    around: Current,
) -> Release {
    let (state, context) = (&mut turn, call.context());
    let ran = run_async::<M>(call.entry(), around, move || run(state.state(), message, context)).await;
    if keeps_state(call.entry(), ran.end) {
        turn.complete();
    }
    drop(turn);
    call.end(ran.reply, ran.end, ran.at)
}

/// A call that has begun. Answered as cut off if its future is dropped before it has ended, also before its first step.
struct UnderWay<M: Message>(Arc<Call<M>>);

impl<M: Message> Deref for UnderWay<M> {
    type Target = Call<M>;

    fn deref(&self) -> &Call<M> {
        &self.0
    }
}

impl<M: Message> Drop for UnderWay<M> {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

/// A call on the worker pool, until dropped.
struct OnPool<S: Service> {
    core: Arc<Core<S>>,
    job: Arc<dyn Job<Core<S>>>,
    place: Option<Place>,
}

impl<S: Service> Drop for OnPool<S> {
    fn drop(&mut self) {
        self.core.workers.ended(&self.job);
        self.place = None;
        self.core.desk.bell.nudge();
    }
}
