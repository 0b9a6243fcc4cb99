//! The scheduler: the future inside the host that picks the next call from the mailboxes and runs it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use crate::log::{Harmless, discard, panic_text};
use crate::mailbox::{Entry, Mailbox, Release, wake};
use crate::measure::nanos;
use crate::service::{MethodKind, Service};
use crate::sync::Arc;

use super::gate::{Gate, Owed};
use super::lanes::Lanes;
use super::lookout::Lookout;
use crate::engine::core::Core;
use crate::engine::host::factory::{Factory, close_state, make_state};
use crate::engine::host::restart::Restarts;
use crate::engine::job::{QueuedJob, Start};
use crate::engine::lifecycle::Status;

/// After so many starts ...
const STARTS: usize = 64;
/// ... or so much time the scheduler lets others on its thread have a go, and tells callers their answers.
const STRETCH: Duration = Duration::from_micros(100);

/// Runs one service's calls, until the service stops.
pub(crate) struct Scheduler<S: Service> {
    core: Arc<Core<S>>,
    factory: Factory<S>,
    lanes: Lanes,
    gate: Gate,
    running: FuturesUnordered<Running>,
    /// The mailboxes of async methods, whose polls the scheduler does not see.
    beside: Vec<usize>,
    /// Whoever waits for an answer that is ready: told together, at the end of a round.
    outbox: Vec<Waker>,
    restarts: Restarts,
    lookout: Lookout,
    /// While the service is down: when to try again.
    retry: Option<Pin<Box<Sleep>>>,
    exit: Option<oneshot::Sender<Exit>>,
}

/// Why a scheduler has ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The first state could not be made, for this reason.
    NoStart(String),
    Stopped,
    /// Its thread or its actor is gone.
    Lost,
}

/// Why a round has ended.
enum Pause {
    Yield,
    Refill,
    Close,
}

impl<S: Service> Scheduler<S> {
    pub(crate) fn new(core: Arc<Core<S>>, factory: Factory<S>, exit: oneshot::Sender<Exit>) -> Self {
        let is_async = |entry: &&Arc<Entry>| matches!(entry.kind, MethodKind::ReadAsync | MethodKind::WriteAsync);
        let mut beside: Vec<_> = core.table.entries().iter().filter(is_async).map(|entry| entry.mailbox).collect();
        let mailboxes = core.mailboxes.iter().len();
        beside.sort_unstable();
        beside.dedup();
        Self {
            lanes: Lanes::new(core.mailboxes.iter().map(Mailbox::weight)),
            gate: Gate::new(mailboxes),
            core,
            factory,
            running: FuturesUnordered::new(),
            beside,
            outbox: Vec::new(),
            restarts: Restarts::default(),
            lookout: Lookout::default(),
            retry: None,
            exit: Some(exit),
        }
    }

    /// Makes the state if there is none, opens the mailboxes, and runs calls until the service stops.
    pub(crate) async fn serve(mut self) {
        if self.core.desk.is_torn()
            && let Err(reason) = self.try_refill().await
        {
            if self.core.lifecycle.status() == Status::Starting {
                self.core.mailboxes.close();
                return self.exit(Exit::NoStart(reason));
            }
            self.go_down(&reason);
        }
        if self.retry.is_none() {
            self.come_up();
        }
        loop {
            match AssertUnwindSafe(poll_fn(|cx| self.poll_round(cx))).catch_unwind().await {
                Ok(Pause::Yield) => tokio::task::yield_now().await,
                Ok(Pause::Refill) => self.refill().await,
                Ok(Pause::Close) => return self.close().await,
                // Methods are caught where they run, so this is a fault of ours. The supervisor has another host made.
                Err(panic) => {
                    log_error!(service = S::NAME, panic = panic_text(&*panic), "the scheduler panicked");
                    return discard(panic);
                }
            }
        }
    }

    /// Runs calls until there is nothing to do, or until it is somebody else's turn on this thread.
    fn poll_round(&mut self, cx: &mut Context<'_>) -> Poll<Pause> {
        self.core.desk.bell.register(cx.waker());
        let began = Instant::now();
        self.lookout.wakes(began);
        let (until, mut starts, mut wanted) = (began + STRETCH, 0, false);
        loop {
            // From before the look whether anything is left, which is no answer to what comes in after it.
            let (status, asked) = (self.core.lifecycle.status(), self.core.idle.requests());
            if status >= Status::Cut {
                return Poll::Ready(Pause::Close);
            }
            if let Some(retry) = &mut self.retry {
                if retry.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Pause::Refill);
                }
            } else if self.core.desk.is_torn() {
                self.tell();
                return Poll::Ready(Pause::Refill);
            }
            self.core.desk.bell.take(|index| self.lanes.activate(index, began));
            let ended = self.poll_running(cx);
            let before = starts;
            let now = self.start_calls(until, &mut starts);
            if starts >= STARTS || now >= until {
                self.tell();
                return Poll::Ready(Pause::Yield);
            }
            if ended || starts > before {
                continue;
            }
            self.tell();
            let drained = self.is_drained();
            if drained && status == Status::Draining {
                return Poll::Ready(Pause::Close);
            }
            // What blocks a head may have been let go just before we asked to be told: so try once more after asking.
            if !wanted && (!drained || self.lanes.any_blocked()) {
                self.core.desk.bell.want();
                wanted = true;
                continue;
            }
            if drained {
                self.lanes.forget();
                self.core.idle.confirm(asked);
            }
            // Calls that run across awaits need this thread's timers and sockets; otherwise it has nothing else to do.
            let looks_out = self.running.is_empty() && self.retry.is_none();
            if !(looks_out && self.lookout.sees(&self.core.desk.bell, std::mem::take(&mut starts)))
                && self.core.desk.bell.arm()
            {
                self.lookout.sleeps();
                return Poll::Pending;
            }
            wanted = false;
        }
    }

    /// Polls the calls that run across awaits. True if any has ended.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Poll::Ready(Some((release, writer))) = self.running.poll_next_unpin(cx) {
            any = true;
            self.outbox.extend(release.into_waker());
            if writer {
                self.writer_ended(Instant::now());
            }
        }
        any
    }

    /// Starts calls, least virtual time first, until none can start or the stretch is over. The time at the end.
    fn start_calls(&mut self, until: Instant, starts: &mut usize) -> Instant {
        self.lanes.unblock();
        let charge = |index: &usize| (*index, self.core.mailboxes.get(*index).charge().take());
        self.lanes.charge_beside(self.beside.iter().map(charge));
        let mut now = Instant::now();
        while *starts < STARTS && now < until {
            // A writer that waits is asked first: nobody else can start but calls without state.
            let first = self.gate.waiting_writer();
            let Some(index) = first.filter(|index| !self.lanes.is_blocked(*index)).or_else(|| self.lanes.next()) else {
                break;
            };
            let Some(QueuedJob(job)) = self.core.mailboxes.get(index).head() else {
                self.lanes.deactivate(index);
                if first == Some(index) {
                    self.gate.writer_left();
                }
                self.gate.settle(index, usize::MAX);
                continue;
            };
            let entry = job.entry();
            let kind = entry.kind;
            if first == Some(index) && !matches!(kind, MethodKind::Write | MethodKind::WriteAsync) {
                self.gate.writer_left();
            }
            if let Some(rejection) =
                self.core.admission.is_overdue(entry, job.arrived(), self.lanes.busy_since(index), now)
            {
                job.turn_away(rejection);
                self.gate.settle(index, 1);
                continue;
            }
            if !self.gate.lets_try(index, kind, now) {
                self.lanes.block(index);
                continue;
            }
            // Answers that are ready do not wait for the end of a call that may take long.
            if !self.outbox.is_empty() && entry.meter.cost.may_end_after(until, now) {
                self.tell();
                now = Instant::now();
            }
            let start = job.start(&self.core, now);
            let Some(at) = self.started(index, kind, start, now) else { continue };
            now = at;
            *starts += 1;
            if self.core.desk.is_torn() {
                break;
            }
        }
        now
    }

    /// Notes what came of the start of a call at `now`. The time when the next may start, if this one did.
    fn started(&mut self, index: usize, kind: MethodKind, start: Start, now: Instant) -> Option<Instant> {
        let now = match start {
            Start::Blocked => {
                self.gate.refused(index, kind, now);
                self.lanes.block(index);
                return None;
            }
            Start::Over => {
                self.gate.settle(index, 1);
                return None;
            }
            Start::Ran { release, took, at } => {
                self.outbox.extend(release.into_waker());
                self.lanes.started(index);
                self.lanes.charge(index, nanos(took));
                at
            }
            Start::Runs(future) => {
                self.lanes.started(index);
                self.running.push(Running { future: Harmless::new(future), writer: kind == MethodKind::WriteAsync });
                now
            }
            Start::Handed => {
                self.lanes.started(index);
                now
            }
        };
        match kind {
            MethodKind::Read | MethodKind::ReadAsync => self.gate.settle(index, 1),
            MethodKind::Write => self.writer_ended(now),
            MethodKind::WriteAsync => self.gate.writer_runs(now),
            MethodKind::Compute => {}
        }
        Some(now)
    }

    /// What a writer has held up goes before the next one.
    fn writer_ended(&mut self, now: Instant) {
        let core = &self.core;
        self.gate.writer_ended(now, |index| {
            let mailbox = core.mailboxes.get(index);
            let Some(QueuedJob(head)) = mailbox.head() else { return Owed::default() };
            let entry = head.entry();
            Owed::waiting(mailbox.len(), entry.kind, entry.in_flight.most() - entry.in_flight.used())
        });
        self.lanes.unblock();
    }

    fn tell(&mut self) {
        self.outbox.drain(..).for_each(wake);
    }

    /// Whether no call of the service waits or runs anywhere.
    fn is_drained(&self) -> bool {
        self.lanes.is_idle()
            && self.running.is_empty()
            && self.core.is_idle()
            && (self.retry.is_some() || self.core.state.is_free())
    }

    /// The state is gone: makes a new one, unless that happens too often.
    async fn refill(&mut self) {
        let was_down = self.retry.take().is_some();
        self.core.lifecycle.count_restart();
        if !was_down && !self.restarts.note(Instant::now()) {
            return self.go_down("it had to be restarted too often");
        }
        match self.try_refill().await {
            Ok(()) if was_down => self.come_up(),
            Ok(()) => log_warn!(service = S::NAME, "the service goes on with a new state"),
            Err(reason) => self.go_down(&reason),
        }
    }

    async fn try_refill(&self) -> Result<(), String> {
        let mut state = make_state(&self.factory).await?;
        // Somebody may hold the lock for the moment that it takes to see that there is no state.
        while let Err(again) = self.core.state.refill(state) {
            state = again;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn come_up(&mut self) {
        self.core.mailboxes.open();
        if self.core.lifecycle.set_unless_stopping(Status::Up) {
            log_info!(service = S::NAME, "the service is up");
        } else {
            // It is to stop, and nobody may wait here for a service that does not come.
            self.core.mailboxes.close();
        }
    }

    fn go_down(&mut self, reason: &str) {
        let pause = self.restarts.pause();
        log_error!(service = S::NAME, reason, retry_in = ?pause, "the service is down");
        self.core.lifecycle.set_unless_stopping(Status::Down);
        self.core.mailboxes.close();
        self.retry = Some(Box::pin(tokio::time::sleep(pause)));
    }

    /// Ends what still runs, answers what still waits, and lets the service say good-bye to its state.
    async fn close(&mut self) {
        self.running.clear();
        self.core.mailboxes.close();
        self.tell();
        close_state(&self.core).await;
        self.exit(Exit::Stopped);
    }

    fn exit(&mut self, exit: Exit) {
        if let Some(sender) = self.exit.take() {
            // The supervisor is gone only if the whole system is.
            let _ = sender.send(exit);
        }
    }
}

impl<S: Service> Drop for Scheduler<S> {
    /// The mailboxes outlive the host: when it goes, whatever the reason, nobody may be left waiting in them.
    fn drop(&mut self) {
        self.running.clear();
        self.tell();
        if self.exit.is_some() {
            self.core.lifecycle.set_unless_stopping(Status::Down);
            self.core.mailboxes.cut();
            self.exit(Exit::Lost);
        }
    }
}

impl<S: Service> fmt::Debug for Scheduler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("lanes", &self.lanes).field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// A call that runs across awaits.
struct Running {
    future: Harmless<LocalBoxFuture<'static, Release>>,
    writer: bool,
}

impl Future for Running {
    type Output = (Release, bool);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let writer = self.writer;
        let future = self.future.get_mut();
        future.map_or(Poll::Pending, |future| future.as_mut().poll(cx).map(|release| (release, writer)))
    }
}
