//! A queued call as the scheduler sees it: something that can be started.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::log::discard;
use crate::mailbox::{Call, Entry, Queued, Release, deadline};
use crate::measure::End;
use crate::route::Refusal;
use crate::service::{ByKind, Compute, Current, Handler, Method, ReadAsync, Service, WriteAsync};
use crate::sync::Arc;

use super::core::Core;
use super::run::in_flight::InFlight;
use super::run::pool::Place;
use super::run::turn::{Turn, keeps_state};
use super::run::{Ran, Running, current, run_async, run_sync, timed};
use super::state::{OwnedReading, OwnedWriting, Side};

/// A call of any method of one service.
pub(crate) trait Job<S: Service>: Send + Sync {
    fn entry(&self) -> &Arc<Entry>;

    /// Whether it waits to be started.
    fn is_queued(&self) -> bool;

    /// When it came in.
    fn arrived(&self) -> Instant;

    /// Answers with this refusal if it has not started.
    fn turn_away(&self, refusal: Refusal);

    /// Answers -32603 if it runs.
    fn cut_off(&self);

    /// Takes what the method needs and starts it; sync methods have ended when this returns.
    fn start(self: Arc<Self>, core: &Arc<Core<S>>, now: Instant) -> Start;
}

/// What came of a try to start a call.
pub(crate) enum Start {
    /// The state, or a place among the calls in flight, is not to be had; the call still waits.
    Blocked,
    /// There was nothing to start: its caller left, or its deadline has passed.
    Over,
    /// It ran, and held the thread for so long until then.
    Ran { release: Release, took: Duration, at: Instant },
    /// It runs. The future ends with its answer.
    Runs(LocalBoxFuture<'static, Release>),
    /// It runs on the worker pool.
    Handed,
}

/// An item of a mailbox.
pub(crate) struct QueuedJob<S>(pub(crate) Arc<dyn Job<S>>);

impl<S> Clone for QueuedJob<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service> Queued for QueuedJob<S> {
    fn is_live(&self) -> bool {
        self.0.is_queued()
    }
}

impl<S> fmt::Debug for QueuedJob<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueuedJob")
    }
}

impl<M: Method> Job<M::Service> for Call<M> {
    fn entry(&self) -> &Arc<Entry> {
        self.entry()
    }

    fn is_queued(&self) -> bool {
        self.is_queued()
    }

    fn arrived(&self) -> Instant {
        self.context().arrived
    }

    fn turn_away(&self, refusal: Refusal) {
        self.turn_away(refusal);
    }

    fn cut_off(&self) {
        if !self.is_queued() && !self.is_over() {
            let cause = format_args!("the method {} was cut off while it ran", self.entry().name);
            let error = RpcError::internal_in(self.entry().name, &cause);
            self.end(Err(error), End::Panicked, Instant::now()).wake();
        }
    }

    fn start(self: Arc<Self>, core: &Arc<Core<M::Service>>, now: Instant) -> Start {
        match M::HANDLER {
            Handler::Read(_) | Handler::Write(_) if M::IS_SYNC => self.run(core, now),
            Handler::ReadAsync(run) if M::IS_READ_ASYNC => self.start_reading(core, now, run),
            Handler::WriteAsync(run) if M::IS_WRITE_ASYNC => self.start_writing(core, now, run),
            Handler::Compute(run) if M::IS_COMPUTE => self.hand_over(core, now, run),
            _ => unreachable!("a handler is of its own kind"),
        }
    }
}

/// How a call of each kind starts.
impl<M: Method> Call<M> {
    fn run(&self, core: &Core<M::Service>, now: Instant) -> Start {
        let Some(mut turn) = Turn::take(&core.state, Side::Host) else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let (entry, call) = (self.entry(), self.context());
        let running = Running::enter(entry, current(core, call));
        let Ran { reply, end, took, at } = timed::<M>(entry, now, || turn.run(entry, call, message));
        drop(running);
        drop(turn);
        Start::Ran { release: self.end(reply, end, at), took, at }
    }

    fn start_reading(self: Arc<Self>, core: &Core<M::Service>, now: Instant, run: ReadAsync<M>) -> Start {
        let Some(in_flight) = InFlight::take(&self.entry().in_flight, &core.in_flight) else { return Start::Blocked };
        let Some(turn) = core.state.try_read_owned(in_flight) else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        Start::Runs(Box::pin(read_async(UnderWay(self), turn, message, run, around)))
    }

    fn start_writing(self: Arc<Self>, core: &Core<M::Service>, now: Instant, run: WriteAsync<M>) -> Start {
        let Some(turn) = core.state.try_write_owned() else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        Start::Runs(Box::pin(write_async(UnderWay(self), turn, message, run, around)))
    }

    fn hand_over(self: Arc<Self>, core: &Arc<Core<M::Service>>, now: Instant, run: Compute<M>) -> Start {
        let Some(place) = core.pool.place() else { return Start::Blocked };
        let Some(message) = self.begin(now) else { return Start::Over };
        let around = current(core, self.context());
        let on_pool = OnPool::new(core, self.clone(), place);
        core.pool.spawn(move || {
            // Its deadline may have passed while the pool was busy with other services' calls.
            if !self.is_over() {
                let running = Running::enter(self.entry(), around);
                let entry = self.entry();
                let run = || run(message, self.context());
                let ran = timed::<M>(entry, Instant::now(), || run_sync::<M>(entry, run));
                drop(running);
                self.end(ran.reply, ran.end, ran.at).wake();
            } else {
                discard(message);
            }
            drop(on_pool);
        });
        Start::Handed
    }
}

/// Runs until it ends, or until nobody waits for it any more.
async fn read_async<M: Method>(
    call: UnderWay<M>,
    turn: OwnedReading<M::Service>,
    message: M,
    run: ReadAsync<M>,
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
async fn write_async<M: Method>(
    call: UnderWay<M>,
    mut turn: OwnedWriting<M::Service>,
    message: M,
    run: WriteAsync<M>,
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
struct UnderWay<M: Method>(Arc<Call<M>>);

impl<M: Method> Deref for UnderWay<M> {
    type Target = Call<M>;

    fn deref(&self) -> &Call<M> {
        &self.0
    }
}

impl<M: Method> Drop for UnderWay<M> {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

/// A call on the worker pool, until dropped.
struct OnPool<S: Service> {
    core: Arc<Core<S>>,
    job: Arc<dyn Job<S>>,
    place: Option<Place>,
}

impl<S: Service> OnPool<S> {
    fn new(core: &Arc<Core<S>>, job: Arc<dyn Job<S>>, place: Place) -> Self {
        core.on_pool.lock().push(Arc::clone(&job));
        Self { core: Arc::clone(core), job, place: Some(place) }
    }
}

impl<S: Service> Drop for OnPool<S> {
    fn drop(&mut self) {
        self.core.on_pool.lock().retain(|job| !Arc::ptr_eq(job, &self.job));
        self.place = None;
        self.core.desk.bell.nudge();
    }
}
