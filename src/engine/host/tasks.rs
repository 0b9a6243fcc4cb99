//! The background tasks of one state of a service.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix::ArbiterHandle;
use futures::FutureExt;
use futures::future::{AbortHandle, Abortable, BoxFuture};
use tokio::sync::Notify;

use crate::log::{discard, panic_text};
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
    thread: ArbiterHandle,
    counters: Arc<TaskCounters>,
    state: Mutex<TaskState>,
    /// Notified when the last task has ended.
    ended: Notify,
}

/// The handles of the tasks that run; `None` once they are cancelled.
struct TaskState {
    tasks: Option<Vec<AbortHandle>>,
    running: usize,
}

impl TaskSet {
    pub(crate) fn new(service: &'static str, thread: ArbiterHandle, counters: Arc<TaskCounters>) -> Arc<Self> {
        let state = Mutex::new(TaskState { tasks: Some(Vec::new()), running: 0 });
        Arc::new(Self { service, thread, counters, state, ended: Notify::new() })
    }

    /// Starts a task, unless the state has ended already.
    fn start(self: &Arc<Self>, task: BoxFuture<'static, ()>) {
        let (handle, registration) = AbortHandle::new_pair();
        let mut state = self.state.lock();
        let Some(tasks) = &mut state.tasks else {
            drop(state);
            return discard(task);
        };
        tasks.retain(|task| !task.is_aborted());
        tasks.push(handle.clone());
        state.running += 1;
        drop(state);
        let running = RunningTask::new(Arc::clone(self), handle);
        let run = Abortable::new(AssertUnwindSafe(task).catch_unwind(), registration);
        self.thread.spawn(async move {
            let ended = run.await;
            if let Ok(Err(panic)) = ended {
                running.set.counters.panics.fetch_add(1, Ordering::Relaxed);
                log_error!(
                    service = running.set.service,
                    panic = panic_text(&*panic),
                    "a task of the service panicked"
                );
                discard(panic);
            }
            drop(running);
        });
    }

    /// Cancels the tasks, and those that are started from now on.
    pub(crate) fn cancel(&self) {
        let tasks = self.state.lock().tasks.take();
        tasks.into_iter().flatten().for_each(|task| task.abort());
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
}

/// The tasks of a state, for its context.
pub(crate) struct Spawner(pub(crate) Arc<TaskSet>);

impl TaskSpawner for Spawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.start(task);
    }
}

/// Counts a task while it runs.
struct RunningTask {
    set: Arc<TaskSet>,
    handle: AbortHandle,
}

impl RunningTask {
    fn new(set: Arc<TaskSet>, handle: AbortHandle) -> Self {
        set.counters.running.fetch_add(1, Ordering::Relaxed);
        Self { set, handle }
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        // So that the set forgets the handle.
        self.handle.abort();
        self.set.counters.running.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.set.state.lock();
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
