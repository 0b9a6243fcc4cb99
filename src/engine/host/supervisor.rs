//! The supervisor: runs a host on a thread of its own, and starts another when that is lost.

use std::time::Duration;

use actix::{Actor, Arbiter};
use callbox_client::LocalService;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::log::caught;
use crate::service::Factory;
use crate::sync::Arc;

use super::backoff::Backoff;
use super::thread::HostThread;
use super::{Host, life_log};
use crate::engine::core::AnyCore;
use crate::engine::lifecycle::Status;
use crate::engine::schedule::scheduler::{Exit, Scheduler};

/// Starts the service and keeps it running. Returns once it is up. `me` is the service for its own
/// clients.
///
/// # Errors
/// The reason if it could not start.
///
/// # Panics
/// Outside of an actix system.
pub(crate) async fn launch(core: Arc<AnyCore>, factory: Factory, me: LocalService) -> Result<(), String> {
    let (no_start, failed) = oneshot::channel();
    actix::spawn(supervise(Arc::clone(&core), factory, me, no_start));
    tokio::select! {
        // A failed start sends its reason before it sets the status, so the reason is looked at
        // first.
        biased;
        reason = failed => Err(reason.unwrap_or_else(|_| "its supervisor is gone".to_owned())),
        _ = core.lifecycle.until(|status| *status != Status::Starting) => Ok(()),
    }
}

async fn supervise(core: Arc<AnyCore>, factory: Factory, me: LocalService, no_start: oneshot::Sender<String>) {
    if let Err(reason) = run_hosts(&core, &factory, &me).await {
        // The receiver is gone only if the start itself was given up.
        let _ = no_start.send(reason);
    }
    core.lifecycle.advance(Status::Stopped);
    core.idle.end();
}

/// Runs one host after another, until the service stops.
///
/// # Errors
/// The reason if it could not start.
async fn run_hosts(core: &Arc<AnyCore>, factory: &Factory, me: &LocalService) -> Result<(), String> {
    let (lifecycle, mut restarts) = (&core.lifecycle, Backoff::default());
    loop {
        match run_host(core, factory, me).await {
            Exit::NoStart(reason) => return Err(reason),
            Exit::Stopped => return Ok(()),
            Exit::Lost => lifecycle.count_restart(),
        }
        life_log::thread_lost(core.name);
        let pause = if restarts.record(Instant::now()) { Duration::ZERO } else { restarts.pause() };
        let stopping = lifecycle.until(|status| *status >= Status::Draining);
        if tokio::time::timeout(pause, stopping).await.is_ok() {
            return Ok(());
        }
    }
}

/// Runs the service on a thread of its own, until that ends or is lost.
async fn run_host(core: &Arc<AnyCore>, factory: &Factory, me: &LocalService) -> Exit {
    let (tell, exit) = oneshot::channel();
    // `Arbiter::new` panics if the system has no thread to spare. The supervisor survives that and
    // retries.
    let Ok(arbiter) = caught(Arbiter::new) else {
        let reason = "the system provides no thread: raise the limit (ulimit -u), or run fewer other processes";
        life_log::no_thread(core.name, reason);
        return if core.lifecycle.status() == Status::Starting { Exit::NoStart(reason.to_owned()) } else { Exit::Lost };
    };
    let (for_host, factory, me) = (Arc::clone(core), factory.clone(), me.clone());
    let host = Host::start_in_arbiter(&arbiter.handle(), |_| Host::new(Scheduler::new(for_host, factory, me, tell)));
    *core.thread.lock() = Some(HostThread { arbiter: arbiter.handle(), actor: None });
    let exit = exit.await.unwrap_or(Exit::Lost);
    *core.thread.lock() = None;
    arbiter.stop();
    drop(host);
    exit
}

/// Stops the service: no more calls are admitted, admitted ones have until `limit`, then `on_stop`
/// runs.
///
/// Returns the names of the methods that could not be interrupted and still run; the name of the
/// service if something else of it does.
pub(crate) async fn stop(core: Arc<AnyCore>, limit: Duration) -> Vec<&'static str> {
    let lifecycle = &core.lifecycle;
    if lifecycle.stop_before_start() || lifecycle.status() == Status::Stopped {
        // There is no host to wait for.
        core.mailboxes.close();
        return Vec::new();
    }
    lifecycle.advance(Status::Draining);
    let stopped = |status: &Status| *status == Status::Stopped;
    if tokio::time::timeout(limit, lifecycle.until(stopped)).await.is_ok() {
        return Vec::new();
    }
    life_log::cut_off(core.name, limit);
    lifecycle.advance(Status::Cut);
    // From here as well as from the host, which may be inside a sync method that does not end.
    core.cut_off();
    let stopped = tokio::time::timeout(CUT_TIMEOUT, lifecycle.until(stopped)).await.is_ok();
    let mut left = core.table.running();
    if !stopped && left.is_empty() {
        // What holds its thread is no method: a task, a hook, or the drop of a value.
        left.push(core.name);
    }
    if !left.is_empty() {
        life_log::left_running(core.name, &left);
    }
    left
}

/// Maximum time for a host to notice that it is cut off and to close its state.
const CUT_TIMEOUT: Duration = Duration::from_secs(6);
