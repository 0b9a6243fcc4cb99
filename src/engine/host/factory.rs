//! Making the state of a service and closing it, with the service's hooks.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use callbox_client::Cause;
use futures::FutureExt;
use tokio::time::Instant;

use crate::log::{caught, discard, panic_text};
use crate::service::{CallTrace, Current, Factory, MissingService, RequestRef, Service, ServiceContext};
use crate::start_error::BoxError;

use super::start_circle::StateInTheMaking;
use crate::engine::core::Core;

/// A time that no start takes, as the deadline of a method that has none.
const MAX_START: Duration = Duration::from_secs(365 * 24 * 3600);

/// Maximum time to close a state once the calls have ended: for its last holders and for `on_stop`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a state and runs `on_start` on it.
///
/// # Errors
/// The reason if either failed or panicked, or if the service would have waited for itself.
pub(crate) async fn make_state<S: Service>(
    core: &Core<S>,
    factory: &Factory<S>,
    context: &ServiceContext,
) -> Result<S, String> {
    let making = StateInTheMaking::begin(core.id);
    let made = run_part(core, "factory", async { factory.make(context.clone()).await }).await;
    let started = match made {
        Err(reason) => Err(reason),
        Ok(mut state) => match run_part(core, "on_start", async { state.on_start(context).await }).await {
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

/// Runs the factory or the hook of a service.
///
/// # Errors
/// The reason if it failed or panicked.
async fn run_part<S: Service, T>(
    core: &Core<S>,
    part: &'static str,
    run: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, String> {
    let mut run = pin!(run);
    let entered = poll_fn(|cx| {
        let _current = starting(core, part).enter();
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
fn starting<S: Service>(core: &Core<S>, part: &'static str) -> Current {
    let deadline = Instant::now() + MAX_START;
    Current {
        service: core.id,
        name: S::NAME,
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
pub(crate) async fn close_state<S: Service>(core: &Core<S>) {
    if core.signals.is_torn() {
        return;
    }
    let taken = poll_fn(|cx| {
        core.signals.bell.register(cx.waker());
        loop {
            core.signals.bell.take(|_| {});
            core.signals.bell.want();
            if core.state.is_free() {
                return Poll::Ready(core.state.take());
            }
            if core.signals.bell.arm() {
                return Poll::Pending;
            }
        }
    });
    let close = async {
        let Some(mut state) = taken.await else { return };
        if let Err(panic) = AssertUnwindSafe(async { state.on_stop().await }).catch_unwind().await {
            log_error!(service = S::NAME, panic = panic_text(&*panic), "on_stop panicked");
            discard(panic);
        }
        discard(state);
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, close).await.is_err() {
        log_error!(service = S::NAME, limit = ?CLOSE_TIMEOUT, "the service did not close its state in time");
    }
}
