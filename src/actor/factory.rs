//! Making a state and saying good-bye to it, with the service's hooks.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;

use crate::service::Service;
use crate::sync::Arc;

use super::core::Core;
use super::run::panic_text;

/// Makes a state; called again after a crash.
pub(crate) type Factory<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// How long the end of a service may take once its calls have ended: the last holders of its state, and its `on_stop`.
const GOOD_BYE: Duration = Duration::from_secs(5);

/// A new state on which `on_start` has run, or why there is none.
pub(crate) async fn make_state<S: Service>(factory: &Factory<S>) -> Result<S, String> {
    let made = catch_unwind(AssertUnwindSafe(|| factory()));
    let mut state = made.map_err(|panic| format!("its factory panicked: {}", panic_text(&*panic)))?;
    match AssertUnwindSafe(state.on_start()).catch_unwind().await {
        Ok(Ok(())) => Ok(state),
        Ok(Err(error)) => Err(format!("its on_start failed: {error}")),
        Err(panic) => Err(format!("its on_start panicked: {}", panic_text(&*panic))),
    }
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
        if let Err(panic) = AssertUnwindSafe(state.on_stop()).catch_unwind().await {
            tracing::error!(service = S::NAME, panic = panic_text(&*panic), "on_stop panicked");
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(state))) {
            tracing::error!(service = S::NAME, panic = panic_text(&*panic), "the drop of the state panicked");
        }
    };
    if tokio::time::timeout(GOOD_BYE, good_bye).await.is_err() {
        tracing::error!(service = S::NAME, limit = ?GOOD_BYE, "the service did not say good-bye in time");
    }
}
