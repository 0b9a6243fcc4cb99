//! The supervisor: runs a host on a thread of its own, and starts another when that is lost.

use std::time::Duration;

use actix::dev::channel::channel;
use actix::{Addr, Arbiter, Context};
use futures::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::log::caught;
use crate::service::{Factory, Service};
use crate::sync::Arc;

use super::backoff::Backoff;
use super::{HostedService, ServiceActor, life_log};
use crate::engine::core::Core;
use crate::engine::erased::weak;
use crate::engine::lifecycle::Status;
use crate::engine::schedule::scheduler::{Exit, Scheduler};

/// Capacity of the actor's own mailbox: the default of actix.
const CONTROL_MESSAGES: usize = 16;

/// Starts the service and keeps it running. Returns once it is up.
///
/// # Errors
/// The reason if it could not start.
///
/// # Panics
/// Outside of an actix system.
pub(crate) async fn launch<S: Service>(hosted: Arc<HostedService<S>>, factory: Factory<S>) -> Result<(), String> {
    let (no_start, failed) = oneshot::channel();
    spawn(Box::pin(supervise(Arc::clone(&hosted), factory, no_start)));
    tokio::select! {
        // A failed start sends its reason before it sets the status, so the reason is looked at
        // first.
        biased;
        reason = failed => Err(reason.unwrap_or_else(|_| "its supervisor is gone".to_owned())),
        _ = hosted.core.lifecycle.until(|status| *status != Status::Starting) => Ok(()),
    }
}

async fn supervise<S: Service>(hosted: Arc<HostedService<S>>, factory: Factory<S>, no_start: oneshot::Sender<String>) {
    let (lifecycle, mut restarts) = (&hosted.core.lifecycle, Backoff::default());
    loop {
        match run_host(&hosted, &factory).await {
            Exit::NoStart(reason) => {
                // The receiver is gone only if the start itself was given up.
                let _ = no_start.send(reason);
                return lifecycle.set(Status::Stopped);
            }
            Exit::Stopped => return lifecycle.set(Status::Stopped),
            Exit::Lost => lifecycle.count_restart(),
        }
        life_log::thread_lost(S::NAME);
        let pause = if restarts.record(Instant::now()) { Duration::ZERO } else { restarts.pause() };
        let stopping = lifecycle.until(|status| *status >= Status::Draining);
        if tokio::time::timeout(pause, stopping).await.is_ok() {
            return lifecycle.set(Status::Stopped);
        }
    }
}

/// Runs the service on a thread of its own, until that ends or is lost.
async fn run_host<S: Service>(hosted: &Arc<HostedService<S>>, factory: &Factory<S>) -> Exit {
    let (tell, exit) = oneshot::channel();
    // `Arbiter::new` panics if the system has no thread to spare. The supervisor survives that and
    // retries.
    let Ok(arbiter) = caught(Arbiter::new) else {
        let reason = "the system provides no thread: raise the limit (ulimit -u), or run fewer other processes";
        life_log::no_thread(S::NAME, reason);
        return if hosted.core.lifecycle.status() == Status::Starting {
            Exit::NoStart(reason.to_owned())
        } else {
            Exit::Lost
        };
    };
    let (for_host, for_state, me) = (Arc::clone(&hosted.core), factory.clone(), weak(hosted));
    let (sender, messages) = channel(CONTROL_MESSAGES);
    arbiter.spawn_fn(move || {
        let scheduler = Scheduler::new(Arc::clone(&for_host), for_state, me, tell);
        let actor = ServiceActor::new(for_host, scheduler);
        spawn(Box::pin(Context::with_receiver(messages).into_future(actor)));
    });
    hosted.set_addr(Some(Addr::new(sender)));
    let exit = exit.await.unwrap_or(Exit::Lost);
    hosted.set_addr(None);
    arbiter.stop();
    exit
}

/// Spawns on this thread. Futures of all services have one type here, so the code that runs a task
/// is compiled once, and not for each service.
fn spawn(future: LocalBoxFuture<'static, ()>) {
    actix::spawn(future);
}

/// Stops the service: no more calls are admitted, admitted ones have until `limit`, then `on_stop`
/// runs.
///
/// Returns the names of the methods that could not be interrupted and still run; the name of the
/// service if something else of it does.
pub(crate) async fn stop<S: Service>(core: Arc<Core<S>>, limit: Duration) -> Vec<&'static str> {
    let lifecycle = &core.lifecycle;
    if lifecycle.stop_before_start() || lifecycle.status() == Status::Stopped {
        // There is no host to wait for.
        core.mailboxes.close();
        return Vec::new();
    }
    lifecycle.set(Status::Draining);
    let stopped = |status: &Status| *status == Status::Stopped;
    if tokio::time::timeout(limit, lifecycle.until(stopped)).await.is_ok() {
        return Vec::new();
    }
    life_log::cut_off(S::NAME, limit);
    lifecycle.set(Status::Cut);
    // From here as well as from the host, which may be inside a sync method that does not end.
    core.cut_off();
    let stopped = tokio::time::timeout(CUT_TIMEOUT, lifecycle.until(stopped)).await.is_ok();
    let mut left = core.table.running();
    if !stopped && left.is_empty() {
        // What holds its thread is no method: a task, a hook, or the drop of a value.
        left.push(S::NAME);
    }
    if !left.is_empty() {
        life_log::left_running(S::NAME, &left);
    }
    left
}

/// Maximum time for a host to notice that it is cut off and to close its state.
const CUT_TIMEOUT: Duration = Duration::from_secs(6);
