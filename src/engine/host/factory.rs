//! Making the state of a service and closing it, with the service's hooks.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;

use crate::log::{caught, discard, panic_text};
use crate::service::Service;
use crate::sync::Arc;

use crate::engine::core::Core;

/// The function that makes a state. Called again after a crash.
pub(crate) type Factory<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// Maximum time to close a state once the calls have ended: for its last holders and for `on_stop`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a state and runs `on_start` on it.
///
/// # Errors
/// The reason if either failed or panicked.
pub(crate) async fn make_state<S: Service>(factory: &Factory<S>) -> Result<S, String> {
    let made = caught(|| factory());
    let mut state = made.map_err(|panic| panicked("its factory panicked", panic))?;
    let reason = match AssertUnwindSafe(async { state.on_start().await }).catch_unwind().await {
        Ok(Ok(())) => return Ok(state),
        // Writing the text of the error, and dropping it, runs code of the user, which may panic.
        Ok(Err(error)) => caught(move || format!("its on_start failed: {error}"))
            .unwrap_or_else(|panic| panicked("its on_start failed with an error whose text panicked", panic)),
        Err(panic) => panicked("its on_start panicked", panic),
    };
    discard(state);
    Err(reason)
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
