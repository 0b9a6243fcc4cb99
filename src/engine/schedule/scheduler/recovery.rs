//! The state of a running service: replaced after a crash, and closed at the end.

use std::ops::ControlFlow;
use std::time::Duration;

use actix::Arbiter;
use tokio::time::Instant;

use crate::engine::host::factory::{close_state, make_state};
use crate::engine::host::life_log;
use crate::engine::host::tasks::{Spawner, TaskSet};
use crate::engine::lifecycle::Status;
use crate::service::ServiceContext;
use crate::sync::Arc;

use super::{Exit, Scheduler};

/// Maximum time for cancelled tasks to end. A task ends at its next await.
const TASK_TIMEOUT: Duration = Duration::from_secs(5);

impl Scheduler {
    /// Makes a new state after the last one was discarded, unless that has happened too often
    /// recently.
    ///
    /// Breaks if the service stops meanwhile.
    pub(super) async fn refill(&mut self) -> ControlFlow<()> {
        let was_down = self.retry.take().is_some();
        if !was_down && !self.restarts.record(Instant::now()) {
            self.go_down("it had to be restarted too often");
            return ControlFlow::Continue(());
        }
        match self.try_refill().await {
            None => return ControlFlow::Break(()),
            Some(Ok(())) => {
                self.core.lifecycle.count_restart();
                if was_down { self.come_up() } else { life_log::restarted(self.core.name) }
            }
            Some(Err(reason)) => self.go_down(&reason),
        }
        ControlFlow::Continue(())
    }

    /// Makes a state and puts it in place. `None` if the service stops meanwhile.
    ///
    /// A start may wait for long. Nobody needs its state once the service stops, unless admitted
    /// calls wait for it.
    ///
    /// # Errors
    /// The reason if the service could not make one.
    pub(super) async fn try_refill(&mut self) -> Option<Result<(), String>> {
        let core = Arc::clone(&self.core);
        let given_up = async {
            core.lifecycle.until(|status| *status >= Status::Draining).await;
            if !core.is_idle() {
                core.lifecycle.until(|status| *status >= Status::Cut).await;
            }
        };
        tokio::select! {
            biased;
            () = given_up => None,
            made = self.make_state() => Some(made),
        }
    }

    /// Keeps the state of a thread that was lost. If tasks may have been lost with it, the state is
    /// discarded, since only a new one starts them again.
    pub(super) async fn take_over(&mut self) {
        let tasks = self.core.tasks.lock().clone();
        if tasks.is_none_or(|tasks| tasks.move_to(Arbiter::current())) {
            return;
        }
        // A call on another thread may still hold the state.
        while !self.core.signals.is_torn() && !self.core.state.discard() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn make_state(&mut self) -> Result<(), String> {
        self.end_tasks().await;
        let tasks = TaskSet::new(self.core.name, Arbiter::current(), Arc::clone(&self.core.task_counters));
        *self.core.tasks.lock() = Some(Arc::clone(&tasks));
        let context = ServiceContext::new(
            self.me.clone(),
            Arc::clone(&self.core.surroundings),
            Arc::new(Spawner(tasks)),
            Arc::clone(&self.core.has_clients),
        );
        let mut state = match make_state(&self.core, &self.factory, &context).await {
            Ok(state) => state,
            Err(reason) => {
                self.end_tasks().await;
                return Err(reason);
            }
        };
        // An inline caller may hold the lock for the moment that it takes to see that there is no
        // state.
        while let Err(again) = self.core.state.refill(state) {
            state = again;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Opens the mailboxes and marks the service as up.
    pub(super) fn come_up(&mut self) {
        self.core.mailboxes.open();
        if self.core.lifecycle.set_unless_stopping(Status::Up) {
            life_log::up(self.core.name);
        } else {
            // A stop was requested meanwhile, so no call may wait for this service.
            self.core.mailboxes.close();
        }
    }

    /// Closes the mailboxes, and schedules the next attempt to make a state.
    pub(super) fn go_down(&mut self, reason: &str) {
        let pause = self.restarts.pause();
        life_log::down(self.core.name, reason, pause);
        self.core.lifecycle.set_unless_stopping(Status::Down);
        self.core.mailboxes.close();
        self.retry = Some(Box::pin(tokio::time::sleep(pause)));
    }

    /// Ends the calls that still run, answers those that wait, and runs `on_stop` on the state.
    pub(super) async fn close(&mut self) {
        self.running.clear();
        self.core.mailboxes.close();
        self.wake_callers();
        self.end_tasks().await;
        close_state(&self.core).await;
        self.exit(Exit::Stopped);
    }

    /// Cancels the tasks of the state, and waits until they have ended.
    async fn end_tasks(&mut self) {
        let Some(tasks) = self.core.tasks.lock().take() else { return };
        tasks.cancel();
        if tokio::time::timeout(TASK_TIMEOUT, tasks.wait()).await.is_err() {
            life_log::tasks_do_not_end(self.core.name, &tasks);
        }
    }

    /// Reports the end to the supervisor.
    pub(super) fn exit(&mut self, exit: Exit) {
        if let Some(sender) = self.exit.take() {
            // The supervisor is gone only if the whole actix system is.
            let _ = sender.send(exit);
        }
    }
}
