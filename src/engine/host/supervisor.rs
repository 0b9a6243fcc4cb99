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
    let (mut replaces, mut is_last) = (false, false);
    loop {
        match run_host(core, factory, me, replaces).await {
            Exit::NoStart(reason) => return Err(reason),
            Exit::Stopped => return Ok(()),
            Exit::Lost if is_last => return Ok(()),
            Exit::Lost if lifecycle.status() == Status::Starting => return Err(LOST_AT_START.to_owned()),
            Exit::Lost => replaces = true,
        }
        life_log::thread_lost(core.name);
        let pause = if restarts.record(Instant::now()) { Duration::ZERO } else { restarts.pause() };
        let stopping = lifecycle.until(|status| *status >= Status::Draining);
        // A service that stops gets one more host, which drains it and closes its state.
        is_last = tokio::time::timeout(pause, stopping).await.is_ok();
    }
}

/// Why a service did not start whose thread was lost meanwhile.
const LOST_AT_START: &str =
    "its thread was stopped while it started: take Arbiter::stop and System::stop out of its factory and on_start";

/// Runs the service on a thread of its own, until that ends or is lost. `replaces` says whether
/// another one was lost before.
async fn run_host(core: &Arc<AnyCore>, factory: &Factory, me: &LocalService, replaces: bool) -> Exit {
    let (tell, exit) = oneshot::channel();
    // `Arbiter::new` panics if the system has no thread to spare. The supervisor survives that and
    // retries.
    let Ok(arbiter) = caught(Arbiter::new) else {
        let reason = "the system provides no thread: raise the limit (ulimit -u), or run fewer other processes";
        life_log::no_thread(core.name, reason);
        return if core.lifecycle.status() == Status::Starting { Exit::NoStart(reason.to_owned()) } else { Exit::Lost };
    };
    if replaces {
        core.lifecycle.count_restart();
    }
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
        // Its host, if it has one, gives the start up by itself.
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use callbox::service;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::engine::core::{Core, Placement};
    use crate::engine::erased::weak;
    use crate::engine::host::HostedService;
    use crate::engine::run::pool::Pool;

    struct Slow;

    #[service(name = "slow")]
    impl Slow {
        #[public_method]
        fn ping(&self) {}
    }

    #[actix_web::test]
    async fn a_stop_gives_the_first_start_up() {
        let (held, pool) = (Arc::new(()), Pool::new(1).unwrap());
        let guard = Arc::clone(&held);
        let factory = Factory::new(move || {
            let guard = Arc::clone(&guard);
            async move {
                let _guard = guard;
                pending::<Slow>().await
            }
        });
        let hosted = HostedService::new(Core::<Slow>::new(pool, Placement::Inline, Arc::default()));
        let core: Arc<AnyCore> = hosted.core.clone();
        let starts = actix::spawn(launch(Arc::clone(&core), factory, weak(&hosted)));
        let until_holders = async |number| {
            let is_so = async {
                while Arc::strong_count(&held) != number {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(Duration::from_secs(10), is_so).await.expect("soon");
        };
        until_holders(3).await;
        assert!(stop(core, Duration::from_secs(3600)).await.is_empty());
        until_holders(1).await;
        assert_eq!(starts.await.unwrap(), Ok(()));
    }
}
