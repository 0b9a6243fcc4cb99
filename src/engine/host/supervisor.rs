//! The supervisor: starts a host on a thread of its own, and another one when that is lost.

use std::time::Duration;

use actix::{Actor, Arbiter};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::log::caught;
use crate::service::Service;
use crate::sync::Arc;

use super::factory::Factory;
use super::restart::Restarts;
use super::{Seat, ServiceActor};
use crate::engine::core::Core;
use crate::engine::lifecycle::Status;
use crate::engine::schedule::scheduler::{Exit, Scheduler};

/// Starts the service and keeps it running. Returns once it is up, or says why it could not start.
///
/// # Panics
/// Outside of an actix system.
pub(crate) async fn launch<S: Service>(seat: Arc<Seat<S>>, factory: Factory<S>) -> Result<(), String> {
    let (told, first) = oneshot::channel();
    actix::spawn(supervise(Arc::clone(&seat), factory, told));
    tokio::select! {
        // A start that failed has both a reason and a new status, in this order.
        biased;
        reason = first => Err(reason.unwrap_or_else(|_| "its supervisor is gone".to_owned())),
        _ = seat.core.lifecycle.until(|status| *status != Status::Starting) => Ok(()),
    }
}

async fn supervise<S: Service>(seat: Arc<Seat<S>>, factory: Factory<S>, no_start: oneshot::Sender<String>) {
    let (lifecycle, mut restarts) = (&seat.core.lifecycle, Restarts::default());
    loop {
        match run_host(&seat, &factory).await {
            Exit::NoStart(reason) => {
                // Whoever started us has left only if the start itself was given up.
                let _ = no_start.send(reason);
                return lifecycle.set(Status::Stopped);
            }
            Exit::Stopped => return lifecycle.set(Status::Stopped),
            Exit::Lost => lifecycle.count_restart(),
        }
        log_error!(service = S::NAME, "the service's thread was lost; it goes on on a new one");
        let pause = if restarts.note(Instant::now()) { Duration::ZERO } else { restarts.pause() };
        let stopping = lifecycle.until(|status| *status >= Status::Draining);
        if tokio::time::timeout(pause, stopping).await.is_ok() {
            return lifecycle.set(Status::Stopped);
        }
    }
}

/// Runs the service on a thread of its own, for as long as that goes.
async fn run_host<S: Service>(seat: &Seat<S>, factory: &Factory<S>) -> Exit {
    let (tell, exit) = oneshot::channel();
    // It panics if the system has no thread to spare. The supervisor must not go with it: there may be one later.
    let Ok(arbiter) = caught(Arbiter::new) else {
        let reason = "the system gives it no thread: raise the limit (ulimit -u), or run less beside it";
        log_error!(service = S::NAME, reason, "the service has no thread");
        return if seat.core.lifecycle.status() == Status::Starting {
            Exit::NoStart(reason.to_owned())
        } else {
            Exit::Lost
        };
    };
    let (for_host, for_state) = (Arc::clone(&seat.core), Arc::clone(factory));
    let addr = ServiceActor::start_in_arbiter(&arbiter.handle(), move |_| {
        let scheduler = Scheduler::new(Arc::clone(&for_host), for_state, tell);
        ServiceActor::new(for_host, scheduler)
    });
    seat.set_addr(Some(addr));
    let exit = exit.await.unwrap_or(Exit::Lost);
    seat.set_addr(None);
    arbiter.stop();
    exit
}

/// Stops the service: no more calls are let in, those that are there have until `limit`, then `on_stop` runs.
///
/// Returns the methods that could not be ended and still run.
pub(crate) async fn stop<S: Service>(core: Arc<Core<S>>, limit: Duration) -> Vec<&'static str> {
    let lifecycle = &core.lifecycle;
    if lifecycle.stop_before_start() || lifecycle.status() == Status::Stopped {
        // There is no host that could be waited for.
        core.mailboxes.close();
        return Vec::new();
    }
    lifecycle.set(Status::Draining);
    let stopped = |status: &Status| *status == Status::Stopped;
    if tokio::time::timeout(limit, lifecycle.until(stopped)).await.is_ok() {
        return Vec::new();
    }
    log_warn!(service = S::NAME, ?limit, "the time to drain is over; what still runs is cut off");
    lifecycle.set(Status::Cut);
    // From here, too: the host may be inside a sync method that does not end.
    core.cut_off();
    let stopped = tokio::time::timeout(CUT, lifecycle.until(stopped)).await.is_ok();
    let left = core.table.running();
    if !stopped || !left.is_empty() {
        log_error!(service = S::NAME, methods = ?left, "the service does not end; its threads are left behind");
    }
    left
}

/// How long a host may take to notice that it is cut off, and to say good-bye.
const CUT: Duration = Duration::from_secs(6);
