//! The background tasks of one state of a service, and what else ends with it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use actix::ArbiterHandle;
use futures::FutureExt;
use futures::future::{AbortHandle, Abortable, BoxFuture, CatchUnwind};
use tokio::sync::Notify;

use crate::log::{caught, discard, panic_text};
use crate::route::{StateEnd, StateEndGuard};
use crate::service::TaskSpawner;
use crate::sync::Mutex;

/// The number of tasks that run, and of those that panicked, over all states of a service.
#[derive(Debug, Default)]
pub(crate) struct TaskCounters {
    running: AtomicUsize,
    panics: AtomicU64,
}

impl TaskCounters {
    /// Returns the number of tasks that run.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Returns the number of tasks that panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// The tasks of one state. When the state ends, they are cancelled.
pub(crate) struct TaskSet {
    service: &'static str,
    counters: Arc<TaskCounters>,
    state: Mutex<TaskState>,
    /// Notified when the last task has ended.
    ended: Notify,
    state_end: StateEnd,
}

struct TaskState {
    /// The thread that runs the tasks.
    thread: ArbiterHandle,
    /// The tasks that run; `None` once they are cancelled.
    tasks: Option<HashMap<u64, AbortHandle>>,
    /// Number of tasks that were started.
    started: u64,
    running: usize,
    /// Ends the subscriptions of the state.
    end: Option<StateEndGuard>,
}

impl TaskSet {
    pub(crate) fn new(service: &'static str, thread: ArbiterHandle, counters: Arc<TaskCounters>) -> Arc<Self> {
        let (end, state_end) = StateEnd::new();
        let state = TaskState { thread, tasks: Some(HashMap::new()), started: 0, running: 0, end: Some(end) };
        Arc::new(Self { service, counters, state: Mutex::new(state), ended: Notify::new(), state_end })
    }

    /// Starts a task, unless the state has ended already.
    fn start(self: &Arc<Self>, task: BoxFuture<'static, ()>) {
        let (handle, registration) = AbortHandle::new_pair();
        let mut state = self.state.lock();
        let id = state.started;
        let Some(tasks) = &mut state.tasks else {
            drop(state);
            return discard(task);
        };
        tasks.insert(id, handle);
        state.started += 1;
        state.running += 1;
        let thread = state.thread.clone();
        drop(state);
        self.counters.running.fetch_add(1, Ordering::Relaxed);
        let run = Abortable::new(AssertUnwindSafe(task).catch_unwind(), registration);
        if !thread.spawn(RunningTask { set: Arc::clone(self), id, run: Some(run) }) {
            // The task ended with this. If the state stays, a new thread makes it anew.
            log_warn!(service = self.service, "a task did not start, because the service's thread is gone");
        }
    }

    /// Uses another thread from now on, since the one of before is lost. Returns false if tasks may
    /// have been lost with it: nobody knows whether those that have ended did so before.
    pub(crate) fn move_to(&self, thread: ArbiterHandle) -> bool {
        let mut state = self.state.lock();
        state.thread = thread;
        state.started == 0
    }

    /// Cancels the tasks, and those that are started from now on.
    pub(crate) fn cancel(&self) {
        let (tasks, end) = {
            let mut state = self.state.lock();
            (state.tasks.take(), state.end.take())
        };
        drop(end);
        tasks.into_iter().flatten().for_each(|(_, task)| task.abort());
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn wait(&self) {
        loop {
            let ended = self.ended.notified();
            if self.state.lock().running == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Returns the end of the state.
    pub(crate) fn state_end(&self) -> StateEnd {
        self.state_end.clone()
    }

    fn panicked(&self, panic: Box<dyn Any + Send>) {
        self.counters.panics.fetch_add(1, Ordering::Relaxed);
        log_error!(service = self.service, panic = panic_text(&*panic), "a task of the service panicked");
        discard(panic);
    }
}

/// The tasks of a state, for its context.
pub(crate) struct Spawner(pub(crate) Arc<TaskSet>);

impl TaskSpawner for Spawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.start(task);
    }
}

/// A task while it exists, which its set counts.
struct RunningTask {
    set: Arc<TaskSet>,
    id: u64,
    run: Option<Abortable<CatchUnwind<AssertUnwindSafe<BoxFuture<'static, ()>>>>>,
}

impl Future for RunningTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(run) = &mut self.run else { return Poll::Ready(()) };
        if let Ok(Err(panic)) = ready!(Pin::new(run).poll(cx)) {
            self.set.panicked(panic);
        }
        Poll::Ready(())
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        // A task that was cancelled ends here, and what it holds may panic.
        let run = self.run.take();
        if let Err(panic) = caught(move || drop(run)) {
            self.set.panicked(panic);
        }
        self.set.counters.running.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.set.state.lock();
        if let Some(tasks) = &mut state.tasks {
            tasks.remove(&self.id);
        }
        state.running -= 1;
        if state.running == 0 {
            self.set.ended.notify_waiters();
        }
    }
}

impl fmt::Debug for TaskSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("running", &self.state.lock().running).finish_non_exhaustive()
    }
}
