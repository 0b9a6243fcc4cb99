//! The scheduler: the future inside the host that takes calls from the mailboxes and runs them.
//!
//! It works in rounds. A round activates the mailboxes that have rung the bell, polls the async
//! calls that run, and starts queued calls. It ends when there is nothing to do (then the host
//! parks), or when it has lasted long enough (then the host yields to other tasks of its thread).
//! `recovery` makes a new state after a crash, and ends the service.

mod async_run;
mod recovery;

use std::fmt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callbox_client::LocalService;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use crate::log::Harmless;
use crate::mailbox::wake;
use crate::measure::nanos;
use crate::service::{Factory, MethodKind};
use crate::sync::Arc;

use crate::engine::core::AnyCore;
use crate::engine::host::backoff::Backoff;
use crate::engine::host::life_log;
use crate::engine::job::JobStart;
use crate::engine::lifecycle::Status;
use crate::engine::schedule::fair_queue::FairQueue;
use crate::engine::schedule::gate::{Gate, HeldUp};
use crate::engine::schedule::spin::Spin;

use self::async_run::AsyncRun;

/// Maximum number of calls that start in one round.
const MAX_STARTS: usize = 64;

/// Duration after which a round starts no more calls. Then callers are woken and other tasks of the
/// thread are polled.
const MAX_ROUND: Duration = Duration::from_micros(100);

/// Runs the calls of one service until the service stops.
pub(crate) struct Scheduler {
    core: Arc<AnyCore>,
    factory: Factory,
    me: LocalService,
    queue: FairQueue,
    gate: Gate,
    running: FuturesUnordered<AsyncRun>,
    /// Wakers of callers whose replies are ready. They are woken together at the end of a round,
    /// since each wake costs the host some microseconds.
    wakers: Vec<Waker>,
    restarts: Backoff,
    spin: Spin,
    /// The time of the next attempt to make a state, while the service is down.
    retry: Option<Pin<Box<Sleep>>>,
    exit: Option<oneshot::Sender<Exit>>,
}

/// Why a scheduler ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The first state could not be made, for this reason.
    NoStart(String),
    /// The service was stopped.
    Stopped,
    /// The thread or the actor of the host is gone.
    Lost,
}

/// What to do after a round.
enum RoundEnd {
    /// Let other tasks of the thread run.
    Yield,
    /// Make a new state.
    Refill,
    /// End the service.
    Close,
}

impl Scheduler {
    pub(crate) fn new(core: Arc<AnyCore>, factory: Factory, me: LocalService, exit: oneshot::Sender<Exit>) -> Self {
        Self {
            queue: FairQueue::new(core.table.weights()),
            gate: Gate::new(core.table.mailboxes().len()),
            core,
            factory,
            me,
            running: FuturesUnordered::new(),
            wakers: Vec::new(),
            restarts: Backoff::default(),
            spin: Spin::default(),
            retry: None,
            exit: Some(exit),
        }
    }

    /// Makes the state if there is none, and runs calls until the service stops.
    pub(crate) async fn serve(mut self) {
        self.take_over().await;
        if self.core.signals.is_torn() {
            match self.try_refill().await {
                None => return self.close().await,
                Some(Ok(())) => {}
                Some(Err(reason)) if self.core.lifecycle.status() == Status::Starting => {
                    // The reason comes first: the services that wait for this one fail because of
                    // it.
                    self.exit(Exit::NoStart(reason));
                    return self.core.mailboxes.close();
                }
                Some(Err(reason)) => self.go_down(&reason),
            }
        }
        if self.retry.is_none() {
            self.come_up();
        }
        loop {
            match AssertUnwindSafe(poll_fn(|cx| self.poll_round(cx))).catch_unwind().await {
                Ok(RoundEnd::Yield) => tokio::task::yield_now().await,
                Ok(RoundEnd::Refill) => {
                    if self.refill().await.is_break() {
                        return self.close().await;
                    }
                }
                Ok(RoundEnd::Close) => return self.close().await,
                // Panics of methods are caught where they run, so this is a bug of callbox. The
                // supervisor starts another host.
                Err(panic) => return life_log::panicked(self.core.name, "the scheduler", panic),
            }
        }
    }

    /// Runs one round.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Poll<RoundEnd> {
        self.core.signals.bell.register(cx.waker());
        let began = Instant::now();
        self.spin.wakes(began);
        let (until, mut starts, mut wanted) = (began + MAX_ROUND, 0, false);
        loop {
            // Read before looking for work: see `Idle`.
            let (status, asked) = (self.core.lifecycle.status(), self.core.idle.requests());
            if status >= Status::Cut {
                return Poll::Ready(RoundEnd::Close);
            }
            if let Some(retry) = &mut self.retry {
                if retry.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(RoundEnd::Refill);
                }
            } else if self.core.signals.is_torn() {
                self.wake_callers();
                return Poll::Ready(RoundEnd::Refill);
            }
            self.core.signals.bell.take(|index| self.queue.activate(index, began));
            let ended = self.poll_running(cx);
            let before = starts;
            let now = self.start_calls(until, &mut starts);
            if starts >= MAX_STARTS || now >= until {
                self.wake_callers();
                return Poll::Ready(RoundEnd::Yield);
            }
            if ended || starts > before {
                continue;
            }
            self.wake_callers();
            let drained = self.is_drained();
            if drained && status == Status::Draining {
                return Poll::Ready(RoundEnd::Close);
            }
            // A turn that blocks a head may have ended just before we asked the bell to ring for
            // it. So ask, and try once more.
            if !wanted && (!drained || self.queue.any_blocked()) {
                self.core.signals.bell.want();
                wanted = true;
                continue;
            }
            if drained {
                self.queue.reset();
                self.core.idle.confirm(asked);
            }
            // Async calls need the timers and sockets of this thread, so the host spins only if
            // none runs.
            let may_spin = self.running.is_empty() && self.retry.is_none();
            if !(may_spin && self.spin.spin(&self.core.signals.bell, std::mem::take(&mut starts)))
                && self.core.signals.bell.arm()
            {
                self.spin.parks();
                return Poll::Pending;
            }
            wanted = false;
        }
    }

    /// Polls the async calls that run. Returns whether any has ended.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Poll::Ready(Some((release, writer))) = self.running.poll_next_unpin(cx) {
            any = true;
            self.wakers.extend(release.into_waker());
            if writer {
                self.writer_ended(Instant::now());
            }
        }
        any
    }

    /// Starts calls in the order of the fair queue, until none can start or the round is over.
    /// Returns the time then.
    fn start_calls(&mut self, until: Instant, starts: &mut usize) -> Instant {
        self.queue.unblock();
        self.queue.charge_async(self.core.table.take_async_charges());
        let mut now = Instant::now();
        while *starts < MAX_STARTS && now < until {
            // Phase 1: choose a mailbox. A waiting writer comes first, because only calls without
            // state could start before it.
            let first = self.gate.waiting_writer();
            let Some(index) = first.filter(|index| !self.queue.is_blocked(*index)).or_else(|| self.queue.next()) else {
                break;
            };
            // Phase 2: take the call at its head, unless the mailbox is empty.
            let Some(queued) = self.core.mailboxes.get(index).head() else {
                self.queue.deactivate(index);
                if first == Some(index) {
                    self.gate.writer_left();
                }
                self.gate.settle(index, usize::MAX);
                continue;
            };
            let (job, entry) = (&queued.job, queued.job.entry());
            let kind = entry.kind;
            if first == Some(index) && !matches!(kind, MethodKind::Write | MethodKind::WriteAsync) {
                self.gate.writer_left();
            }
            // Phase 3: reject it if it has waited too long, or leave it if the gate is closed to
            // it.
            if let Some(rejection) =
                self.core.admission.shed_if_overdue(entry, job.arrived(), self.queue.busy_since(index), now)
            {
                job.reject(rejection);
                self.gate.settle(index, 1);
                // There may be many, and telling each caller takes time.
                now = Instant::now();
                continue;
            }
            if !self.gate.may_try(index, kind, now) {
                self.queue.block(index);
                continue;
            }
            // Phase 4: start it. Replies that are ready do not wait for a call that may take long.
            if !self.wakers.is_empty() && entry.meter.cost.may_end_after(until, now) {
                self.wake_callers();
                now = Instant::now();
            }
            let start = queued.start(&self.core, now);
            let has_started = !matches!(start, JobStart::Blocked | JobStart::Nothing);
            now = self.started(index, kind, start, now);
            if !has_started {
                continue;
            }
            *starts += 1;
            if self.core.signals.is_torn() {
                break;
            }
        }
        now
    }

    /// Updates queue and gate after an attempt to start a call at `now`. Returns the time
    /// afterwards.
    fn started(&mut self, index: usize, kind: MethodKind, start: JobStart, now: Instant) -> Instant {
        let now = match start {
            JobStart::Blocked => {
                self.gate.blocked(index, kind, now);
                self.queue.block(index);
                return now;
            }
            JobStart::Nothing => {
                self.gate.settle(index, 1);
                return Instant::now();
            }
            JobStart::Ran { release, took, at } => {
                self.wakers.extend(release.into_waker());
                self.queue.started(index);
                self.queue.charge(index, nanos(took));
                at
            }
            JobStart::Runs(future) => {
                self.queue.started(index);
                self.running.push(AsyncRun { future: Harmless::new(future), writer: kind == MethodKind::WriteAsync });
                now
            }
            JobStart::OnPool => {
                self.queue.started(index);
                now
            }
        };
        match kind {
            MethodKind::Read | MethodKind::ReadAsync => self.gate.settle(index, 1),
            MethodKind::Write => self.writer_ended(now),
            MethodKind::WriteAsync => self.gate.writer_runs(now),
            MethodKind::Compute => {}
        }
        now
    }

    /// Tells the gate which readers the writer held up: these go before the next writer.
    fn writer_ended(&mut self, now: Instant) {
        let core = &self.core;
        self.gate.writer_ended(now, |index| {
            let mailbox = core.mailboxes.get(index);
            let Some(head) = mailbox.head() else { return HeldUp::default() };
            let entry = head.job.entry();
            HeldUp::waiting(mailbox.len(), entry.kind, entry.in_flight.available())
        });
        self.queue.unblock();
    }

    /// Wakes the callers whose replies are ready.
    fn wake_callers(&mut self) {
        self.wakers.drain(..).for_each(wake);
    }

    /// Whether no call of the service waits or runs.
    fn is_drained(&self) -> bool {
        self.queue.is_idle()
            && self.running.is_empty()
            && self.core.is_idle()
            && (self.retry.is_some() || self.core.state.is_free())
    }
}

impl Drop for Scheduler {
    /// Answers the calls that wait. The mailboxes outlive the host, so without this their callers
    /// would wait until their deadlines.
    fn drop(&mut self) {
        self.running.clear();
        self.wake_callers();
        if self.exit.is_some() {
            // A service whose first start is lost does not start.
            if self.core.lifecycle.status() != Status::Starting {
                self.core.lifecycle.set_unless_stopping(Status::Down);
            }
            self.core.mailboxes.cut();
            self.exit(Exit::Lost);
        }
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("queue", &self.queue).field("gate", &self.gate).finish_non_exhaustive()
    }
}
