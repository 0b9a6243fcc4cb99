//! Making the state of a service and closing it, with the service's hooks.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use callbox_client::Cause;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::log::{caught, discard, panic_text};
use crate::service::{AnyState, CallTrace, Current, Factory, MissingService, RequestRef, ServiceContext, ServiceId};
use crate::start_error::BoxError;

use super::life_log;
use super::start_circle::StateInTheMaking;
use crate::engine::core::AnyCore;

/// A time that no start takes, as the deadline of a method that has none.
const MAX_START: Duration = Duration::from_secs(365 * 24 * 3600);

/// Maximum time to close a state once the calls have ended: for its last holders and for `on_stop`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a state and runs `on_start` on it.
///
/// # Errors
/// The reason if either failed or panicked, or if the service would have waited for itself.
pub(crate) async fn make_state(
    core: &AnyCore,
    factory: &Factory,
    context: &ServiceContext,
) -> Result<Box<dyn AnyState>, String> {
    let making = StateInTheMaking::begin(core.id);
    let current = |part| starting(core.id, core.name, part);
    let made = run_part(current("factory"), Box::pin(async { factory.make(context.clone()).await })).await;
    let started = match made {
        Err(reason) => Err(reason),
        Ok(mut state) => match run_part(current("on_start"), state.run_on_start(context)).await {
            Ok(()) => Ok(state),
            Err(reason) => {
                discard(state);
                Err(reason)
            }
        },
    };
    match (making.end(), started) {
        (None, started) => started,
        (Some(circle), started) => {
            discard(started);
            Err(circle)
        }
    }
}

/// Runs the part of a service, its factory or a hook, that `current` names as the method.
///
/// # Errors
/// The reason if it failed or panicked.
async fn run_part<T>(current: Current, mut run: LocalBoxFuture<'_, Result<T, BoxError>>) -> Result<T, String> {
    let part = current.method;
    let entered = poll_fn(|cx| {
        let _current = current.clone().enter();
        run.as_mut().poll(cx)
    });
    match AssertUnwindSafe(entered).catch_unwind().await {
        Ok(Ok(made)) => Ok(made),
        // Writing the text of the error, and dropping it, runs code of the user, which may panic.
        Ok(Err(error)) => Err(caught(move || format!("its {part} failed: {}", Cause::new(error)))
            .unwrap_or_else(|panic| panicked(&format!("its {part} failed with an error whose text panicked"), panic))),
        Err(panic) => Err(match panic.downcast::<MissingService>() {
            Ok(missing) => missing.0,
            Err(panic) => panicked(&format!("its {part} panicked"), panic),
        }),
    }
}

/// Returns what the calls of a service that starts come from.
fn starting(service: ServiceId, name: &'static str, part: &'static str) -> Current {
    let deadline = Instant::now() + MAX_START;
    Current {
        service,
        name,
        chain: None,
        method: part,
        deadline,
        request: RequestRef::NONE,
        caller: None,
        trace: CallTrace::Off,
    }
}

fn panicked(what: &str, panic: Box<dyn Any + Send>) -> String {
    let reason = format!("{what}: {}", panic_text(&*panic));
    discard(panic);
    reason
}

/// Takes the state out once no turn holds it, and runs `on_stop` on it. A state that a panic may
/// have left half-changed has already been discarded.
pub(crate) async fn close_state(core: &AnyCore) {
    if core.signals.is_torn() {
        return;
    }
    let taken = poll_fn(|cx| {
        core.signals.bell.register(cx.waker());
        loop {
            core.signals.bell.take(|_| {});
            core.signals.bell.want();
            if let taken @ Poll::Ready(_) = core.state.take() {
                return taken;
            }
            if core.signals.bell.arm() {
                return Poll::Pending;
            }
        }
    });
    let close = async {
        let Some(mut state) = taken.await else { return };
        if let Err(panic) = AssertUnwindSafe(state.run_on_stop()).catch_unwind().await {
            life_log::panicked(core.name, "on_stop", panic);
        }
        discard(state);
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, close).await.is_err() {
        life_log::closes_slowly(core.name, CLOSE_TIMEOUT);
    }
}
