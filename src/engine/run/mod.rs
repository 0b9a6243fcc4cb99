//! Running a method once: within the chain of services around it, timed, watched, and with its
//! panic caught.
//!
//! [`run`] runs a sync method, and [`run_async`] an async one.

pub(super) mod in_flight;
pub(super) mod inline;
pub(crate) mod pool;
pub(super) mod queued;
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
use crate::mailbox::MethodEntry;
use crate::measure::{CallEnd, LONG_HOLD, nanos};
use crate::service::{
    AmbientRequest, CallContext, Compute, Current, CurrentGuard, Handler, Handles, Message, MethodKind, OnPanic, Reply,
    RequestRef, Service,
};
use crate::sync::{Arc, AtomicU64, Ordering};

use self::watch::WatchGuard;
use super::core::AnyCore;
use super::state::{Reading, Side, StateLock, Writing};

/// The result of one run.
pub(crate) struct RunResult<M: Message> {
    pub(crate) reply: Reply<M>,
    pub(crate) end: CallEnd,
    /// Time for which it held the thread.
    pub(crate) took: Duration,
    pub(crate) at: Instant,
}

/// Returns the chain of services around a call of this service.
pub(crate) fn current(core: &AnyCore, call: &CallContext) -> Current {
    let request = call.request.get();
    Current {
        service: core.id,
        name: core.name,
        chain: call.chain.clone(),
        method: call.method,
        deadline: call.deadline,
        request: match request {
            Some(request) => RequestRef::Known(Arc::clone(request) as Arc<dyn AmbientRequest>),
            None => RequestRef::Numbered(call.number),
        },
        caller: request.and_then(|_| call.caller.shared_name()),
        trace: call.trace.0.clone(),
    }
}

/// Held while a sync method runs on this thread, once or several times: enters the chain of
/// services, counts the run, and registers it with the watch.
pub(crate) struct RunGuard<'a> {
    _around: CurrentGuard,
    _counted: CountedRunning<'a>,
    _watched: WatchGuard,
}

impl<'a> RunGuard<'a> {
    pub(crate) fn enter(entry: &'a MethodEntry, current: Current) -> Self {
        Self { _watched: WatchGuard::begin(entry), _counted: CountedRunning::new(entry), _around: current.enter() }
    }
}

/// Runs a method in its turn. `began` is the current time.
#[inline(always)]
pub(crate) fn run<S: Service, M: Message>(
    entry: &MethodEntry,
    current: Current,
    call: &CallContext,
    mut turn: Turn<'_, S, M>,
    message: M,
    began: Instant,
) -> RunResult<M> {
    let running = RunGuard::enter(entry, current);
    let (reply, end) = turn.run(entry, call, message);
    let at = Instant::now();
    let took = at.duration_since(began);
    entry.meter.cost.record_run(took);
    if entry.kind != MethodKind::Compute {
        entry.meter.record_hold(entry.name, took, at);
    }
    drop(running);
    drop(turn);
    RunResult { reply, end, took, at }
}

/// A method together with the turn that it runs in.
pub(crate) enum Turn<'a, S: Service, M: Message> {
    Read(for<'c> fn(&'c S, M, &'c CallContext) -> Reply<M>, Reading<'a, S>),
    Write(for<'c> fn(&'c mut S, M, &'c CallContext) -> Reply<M>, Writing<'a, S>),
    /// A method without state.
    Stateless(Compute<M>),
}

impl<'a, S: Handles<M>, M: Message> Turn<'a, S, M> {
    /// Takes the state, if it is free. `None` also for an async method and one without state.
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
    /// Runs the method and catches its panic. After a panic that discards the state, the turn must
    /// not be used again.
    #[inline(always)]
    pub(crate) fn run(&mut self, entry: &MethodEntry, call: &CallContext, message: M) -> (Reply<M>, CallEnd) {
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

/// Whether the state is kept after a `&mut self` call that ended like this.
pub(crate) fn keeps_state(entry: &MethodEntry, end: CallEnd) -> bool {
    end != CallEnd::Panicked || entry.options.on_panic == OnPanic::Keep
}

/// Runs an async method. Each poll is timed and charged to the mailbox of the method.
pub(crate) async fn run_async<'a, M: Message>(
    entry: &MethodEntry,
    current: Current,
    run: impl FnOnce() -> LocalBoxFuture<'a, Reply<M>>,
) -> RunResult<M> {
    // A handler written by hand may run code before it returns the future.
    let run = match caught(run) {
        Ok(run) => run,
        Err(panic) => {
            let (reply, end) = outcome::<M>(entry, Err(panic));
            return RunResult { reply, end, took: Duration::ZERO, at: Instant::now() };
        }
    };
    let mut run = Around { current, run: Some(AssertUnwindSafe(run).catch_unwind()) };
    let mut total = Duration::ZERO;
    let _counted = CountedRunning::new(entry);
    #[cfg(feature = "nats")]
    let mut measured = entry.meter.run_time.begin();
    poll_fn(|cx| {
        let began = Instant::now();
        let watched = WatchGuard::begin(entry);
        let polled = run.poll_unpin(cx);
        drop(watched);
        let at = Instant::now();
        let took = at.duration_since(began);
        total += took;
        entry.charge.add(nanos(took));
        // Lines about the run have its request.
        let is_logged = took >= LONG_HOLD || matches!(polled, Poll::Ready(Err(_)));
        let _around = is_logged.then(|| run.current.clone().enter());
        entry.meter.record_hold(entry.name, took, at);
        polled.map(|caught| {
            entry.meter.cost.record_run(total);
            #[cfg(feature = "nats")]
            measured.end();
            let (reply, end) = outcome::<M>(entry, caught);
            RunResult { reply, end, took: total, at }
        })
    })
    .await
}

/// A future that is polled, and dropped, within the chain of services of its call.
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

/// Counts a call as running until it is dropped.
struct CountedRunning<'a>(&'a AtomicU64);

impl<'a> CountedRunning<'a> {
    fn new(entry: &'a MethodEntry) -> Self {
        let running = entry.meter.counters.running();
        running.fetch_add(1, Ordering::Relaxed);
        Self(running)
    }
}

impl Drop for CountedRunning<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the reply of a run whose panic was caught, and how it ended.
#[inline]
fn outcome<M: Message>(entry: &MethodEntry, caught: Result<Reply<M>, Box<dyn Any + Send>>) -> (Reply<M>, CallEnd) {
    match caught {
        Ok(reply) => (reply, CallEnd::Answered),
        Err(panic) => (Err(panicked(entry, panic)), CallEnd::Panicked),
    }
}

#[cold]
fn panicked(entry: &MethodEntry, panic: Box<dyn Any + Send>) -> RpcError {
    let cause = format_args!("the method {} panicked: {}", entry.name, panic_text(&*panic));
    let error = RpcError::internal_in(entry.name, &cause);
    discard(panic);
    error
}
