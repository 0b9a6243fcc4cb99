//! Running a method once: with the chain of services around it, timed, watched, and its panic caught.
//!
//! [`run`] does so for a method that ends without an await, and [`run_async`] for one that awaits.

pub(super) mod in_flight;
pub(super) mod inline;
pub(crate) mod pool;
mod queued;
pub(super) mod series;
pub(super) mod watch;

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::log::{Caught, caught, discard, panic_text};
use crate::mailbox::Entry;
use crate::measure::{End, nanos};
use crate::service::{
    CallContext, Compute, Current, Entered, Handler, Handles, Message, MethodKind, OnPanic, Reply, Service,
};
use crate::sync::{AtomicU64, Ordering};

use self::watch::Watched;
use super::core::Core;
use super::state::{Reading, Side, StateLock, Writing};

/// A run that has ended.
pub(crate) struct Ran<M: Message> {
    pub(crate) reply: Reply<M>,
    pub(crate) end: End,
    /// Its time on the thread.
    pub(crate) took: Duration,
    pub(crate) at: Instant,
}

/// What travels around a call of this service.
pub(crate) fn current<S: Service>(core: &Core<S>, call: &CallContext) -> Current {
    Current { service: core.id, name: S::NAME, chain: call.chain.clone(), method: call.method, deadline: call.deadline }
}

/// A sync method that runs on this thread, or several runs of one, with what travels around them, until this is dropped.
pub(crate) struct Running<'a> {
    _around: Entered,
    _counted: CountedRunning<'a>,
    _watched: Watched,
}

impl<'a> Running<'a> {
    pub(crate) fn enter(entry: &'a Entry, current: Current) -> Self {
        Self { _watched: Watched::begin(entry), _counted: CountedRunning::new(entry), _around: current.enter() }
    }
}

/// Runs a method in its turn, from `began` on, which is now.
#[inline(always)]
pub(crate) fn run<S: Service, M: Message>(
    entry: &Entry,
    current: Current,
    call: &CallContext,
    mut turn: Turn<'_, S, M>,
    message: M,
    began: Instant,
) -> Ran<M> {
    let running = Running::enter(entry, current);
    let (reply, end) = turn.run(entry, call, message);
    let at = Instant::now();
    let took = at.duration_since(began);
    entry.meter.cost.ran(took);
    if entry.kind != MethodKind::Compute {
        entry.meter.held(entry.name, took, at);
    }
    drop(running);
    drop(turn);
    Ran { reply, end, took, at }
}

/// The state while a method runs.
pub(crate) enum Turn<'a, S: Service, M: Message> {
    Read(for<'c> fn(&'c S, M, &'c CallContext) -> Reply<M>, Reading<'a, S>),
    Write(for<'c> fn(&'c mut S, M, &'c CallContext) -> Reply<M>, Writing<'a, S>),
    /// None, for a method that has none.
    Stateless(Compute<M>),
}

impl<'a, S: Handles<M>, M: Message> Turn<'a, S, M> {
    /// Takes the state, if it is free. Never for a method that awaits, or has no state.
    #[inline]
    pub(crate) fn take(state: &'a StateLock<S>, side: Side) -> Option<Self> {
        match S::HANDLER {
            Handler::Read(method) => state.try_read(side).map(|state| Self::Read(method, state)),
            Handler::Write(method) => state.try_write(side).map(|state| Self::Write(method, state)),
            Handler::ReadAsync(_) | Handler::WriteAsync(_) | Handler::Compute(_) => None,
        }
    }
}

impl<S: Service, M: Message> Turn<'_, S, M> {
    /// Runs the method, and catches its panic. After a panic that tears the state, the turn is good for no further run.
    #[inline(always)]
    pub(crate) fn run(&mut self, entry: &Entry, call: &CallContext, message: M) -> (Reply<M>, End) {
        let caught = caught(|| match self {
            Self::Read(method, state) => method(state.state(), message, call),
            Self::Write(method, state) => method(state.state(), message, call),
            Self::Stateless(method) => method(message, call),
        });
        let (reply, end) = outcome::<M>(entry, caught);
        if let Self::Write(_, state) = self
            && keeps_state(entry, end)
        {
            state.complete();
        }
        (reply, end)
    }
}

/// Whether the state is whole after a `&mut self` call that ended like this.
pub(crate) fn keeps_state(entry: &Entry, end: End) -> bool {
    end != End::Panicked || entry.options.on_panic == OnPanic::Keep
}

/// Runs an async method, poll by poll; each poll is measured and charged to the method's mailbox.
pub(crate) async fn run_async<'a, M: Message>(
    entry: &Entry,
    current: Current,
    run: impl FnOnce() -> LocalBoxFuture<'a, Reply<M>>,
) -> Ran<M> {
    // A handler that is written by hand may do more than to make the future.
    let run = match caught(run) {
        Ok(run) => run,
        Err(panic) => {
            let (reply, end) = outcome::<M>(entry, Err(panic));
            return Ran { reply, end, took: Duration::ZERO, at: Instant::now() };
        }
    };
    let mut run = Around { current, run: Some(AssertUnwindSafe(run).catch_unwind()) };
    let mut total = Duration::ZERO;
    let _counted = CountedRunning::new(entry);
    poll_fn(|cx| {
        let began = Instant::now();
        let watched = Watched::begin(entry);
        let polled = run.poll_unpin(cx);
        drop(watched);
        let at = Instant::now();
        let took = at.duration_since(began);
        total += took;
        entry.charge.add(nanos(took));
        entry.meter.held(entry.name, took, at);
        polled.map(|caught| {
            entry.meter.cost.ran(total);
            let (reply, end) = outcome::<M>(entry, caught);
            Ran { reply, end, took: total, at }
        })
    })
    .await
}

/// A future with what travels around it: at each poll, and when it is dropped.
struct Around<F> {
    current: Current,
    run: Option<F>,
}

impl<F: Future + Unpin> Future for Around<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (_around, _caught) = (self.current.clone().enter(), Caught::enter());
        self.run.as_mut().map_or(Poll::Pending, |run| run.poll_unpin(cx))
    }
}

impl<F> Drop for Around<F> {
    fn drop(&mut self) {
        let _around = self.current.clone().enter();
        discard(self.run.take());
    }
}

/// A call that counts as running until this is dropped, whatever becomes of it.
struct CountedRunning<'a>(&'a AtomicU64);

impl<'a> CountedRunning<'a> {
    fn new(entry: &'a Entry) -> Self {
        let running = entry.meter.tally.running();
        running.fetch_add(1, Ordering::Relaxed);
        Self(running)
    }
}

impl Drop for CountedRunning<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a run that was caught has ended with.
#[inline]
fn outcome<M: Message>(entry: &Entry, caught: Result<Reply<M>, Box<dyn Any + Send>>) -> (Reply<M>, End) {
    match caught {
        Ok(reply) => (reply, End::Answered),
        Err(panic) => {
            let cause = format_args!("the method {} panicked: {}", entry.name, panic_text(&*panic));
            let error = RpcError::internal_in(entry.name, &cause);
            discard(panic);
            (Err(error), End::Panicked)
        }
    }
}
