//! Running a method once: with the chain of services around it, timed, watched, and its panic caught.
//!
//! [`run`] does so for a method that ends without an await, and [`run_async`] for one that awaits.

pub(super) mod in_flight;
pub(super) mod inline;
pub(crate) mod pool;
mod queued;
pub(super) mod series;
mod turn;
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
use crate::service::{CallContext, Current, Entered, Kind, Method, Reply, Service};
use crate::sync::{AtomicU64, Ordering};

use self::turn::Turn;
use self::watch::Watched;
use super::core::Core;

/// A run that has ended.
pub(crate) struct Ran<M: Method> {
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
#[inline]
pub(crate) fn run<M: Method>(
    entry: &Entry,
    current: Current,
    call: &CallContext,
    mut turn: Turn<'_, M>,
    message: M,
    began: Instant,
) -> Ran<M> {
    let running = Running::enter(entry, current);
    let (reply, end) = turn.run(entry, call, message);
    let at = Instant::now();
    let took = at.duration_since(began);
    entry.meter.cost.ran(took);
    if entry.kind != Kind::Compute {
        entry.meter.held(entry.name, took, at);
    }
    drop(running);
    drop(turn);
    Ran { reply, end, took, at }
}

/// Runs an async method, poll by poll; each poll is measured and charged to the method's mailbox.
pub(crate) async fn run_async<'a, M: Method>(
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
fn outcome<M: Method>(entry: &Entry, caught: Result<Reply<M>, Box<dyn Any + Send>>) -> (Reply<M>, End) {
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
