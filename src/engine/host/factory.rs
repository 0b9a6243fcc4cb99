//! Making a state and saying good-bye to it, with the service's hooks.

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

/// Makes a state; called again after a crash.
pub(crate) type Factory<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// How long the end of a service may take once its calls have ended: the last holders of its state, and its `on_stop`.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// A new state on which `on_start` has run, or why there is none.
pub(crate) async fn make_state<S: Service>(factory: &Factory<S>) -> Result<S, String> {
    let made = caught(|| factory());
    let mut state = made.map_err(|panic| panicked("its factory panicked", panic))?;
    let reason = match AssertUnwindSafe(async { state.on_start().await }).catch_unwind().await {
        Ok(Ok(())) => return Ok(state),
        // The text of an error, and its drop, are the program's own code as well.
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

/// Takes the state out once nobody holds it, and runs `on_stop` on it. A state that a panic has torn is gone already.
pub(crate) async fn close_state<S: Service>(core: &Core<S>) {
    if core.desk.is_torn() {
        return;
    }
    let taken = poll_fn(|cx| {
        core.desk.bell.register(cx.waker());
        loop {
            core.desk.bell.take(|_| {});
            core.desk.bell.want();
            if core.state.is_free() {
                return Poll::Ready(core.state.take());
            }
            if core.desk.bell.arm() {
                return Poll::Pending;
            }
        }
    });
    let good_bye = async {
        let Some(mut state) = taken.await else { return };
        if let Err(panic) = AssertUnwindSafe(async { state.on_stop().await }).catch_unwind().await {
            log_error!(service = S::NAME, panic = panic_text(&*panic), "on_stop panicked");
            discard(panic);
        }
        discard(state);
    };
    if tokio::time::timeout(GOOD_BYE, good_bye).await.is_err() {
        log_error!(service = S::NAME, limit = ?GOOD_BYE, "the service did not say good-bye in time");
    }
}
