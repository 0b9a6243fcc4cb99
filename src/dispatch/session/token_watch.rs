//! Checks again whether the tokens of open connections are valid.
//!
//! A token is checked for each call, but a subscription starts once and goes on. So a token is
//! checked again while connections with it are open: once for all connections of a thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, interval};

use crate::auth::{AuthUnavailable, Caller};

use super::super::Dispatch;
use super::SessionToken;

/// Time between two looks at whether a token was revoked.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum time between two checks of a token.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Time for which subscriptions stay that need a token which cannot be checked.
const UNAVAILABLE_TIMEOUT: Duration = Duration::from_secs(60);

/// What is known of a token.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// The caller now.
    Caller(Caller),
    /// It could not be checked for long.
    Unavailable,
}

/// The last verdict, once there is one.
pub(super) type Verdicts = watch::Receiver<Option<Verdict>>;

/// How a connection learns what becomes of its token.
#[derive(Clone)]
pub(super) struct TokenWatch {
    pub(super) verdicts: Verdicts,
    /// Set by a connection with a subscription that the last verdict does not admit: it was granted
    /// since then. If the next verdict is the same, it must be sent again.
    pub(super) is_outdated: Rc<Cell<bool>>,
}

/// The watches of this thread, by token.
type Watches = HashMap<Rc<str>, TokenWatch>;

thread_local! {
    static WATCHES: RefCell<Watches> = RefCell::default();
}

/// Watches the token of a connection on this thread; `None` if the server checks no tokens.
pub(super) fn watch(dispatch: &Arc<Dispatch>, token: &SessionToken) -> Option<TokenWatch> {
    let auth = dispatch.auth.as_ref()?;
    let token: Rc<str> = token.0.as_str().into();
    let known = with_watches(|watches| watches.get(&token).cloned()).flatten();
    if let Some(mut known) = known.filter(|known| known.verdicts.has_changed().is_ok()) {
        // What was sent before is older than the connection.
        known.verdicts.mark_unchanged();
        return Some(known);
    }
    let (sender, receiver) = watch::channel(None);
    // Read here: the task begins later, maybe after a call was admitted and its token revoked.
    let generation = auth.generation();
    let watch = TokenWatch { verdicts: receiver, is_outdated: Rc::default() };
    let is_outdated = Rc::clone(&watch.is_outdated);
    tokio::task::spawn_local(check_again(Arc::clone(dispatch), Rc::clone(&token), sender, is_outdated, generation));
    with_watches(|watches| watches.insert(token, watch.clone()));
    Some(watch)
}

/// Waits for the next verdict about a token; `None` if there will be no more.
pub(super) fn next(mut watch: TokenWatch) -> LocalBoxFuture<'static, Option<(Verdict, TokenWatch)>> {
    Box::pin(async move {
        loop {
            watch.verdicts.changed().await.ok()?;
            let verdict = watch.verdicts.borrow_and_update().clone();
            if let Some(verdict) = verdict {
                return Some((verdict, watch));
            }
        }
    })
}

/// Checks a token until no connection with it is open. `generation` is that of earlier decisions.
async fn check_again(
    dispatch: Arc<Dispatch>,
    token: Rc<str>,
    verdicts: watch::Sender<Option<Verdict>>,
    is_outdated: Rc<Cell<bool>>,
    mut generation: Option<u64>,
) {
    let Some(auth) = &dispatch.auth else { return };
    let mut looks = interval(LOOK_INTERVAL);
    let (mut checked, mut unavailable) = (Instant::now(), None);
    // One receiver is that in the table of this thread.
    while verdicts.receiver_count() > 1 {
        looks.tick().await;
        let now = Instant::now();
        let is_current = auth.generation() == generation && unavailable.is_none();
        if is_current && now.duration_since(checked) < CHECK_INTERVAL {
            continue;
        }
        (generation, checked) = (auth.generation(), now);
        match auth.authenticate_again(&token).await {
            Ok(caller) => {
                unavailable = None;
                tell(&verdicts, Verdict::Caller(caller), is_outdated.take());
            }
            Err(AuthUnavailable) => {
                let since = *unavailable.get_or_insert(now);
                if now.duration_since(since) >= UNAVAILABLE_TIMEOUT {
                    tell(&verdicts, Verdict::Unavailable, is_outdated.take());
                }
            }
        }
    }
    // A connection that has come meanwhile has begun a new watch if this one had ended.
    with_watches(|watches| {
        watches.retain(|known, watch| *known != token || !watch.verdicts.same_channel(&verdicts.subscribe()));
    });
}

/// Wakes the connections only if there is something new, or the last verdict is outdated.
fn tell(verdicts: &watch::Sender<Option<Verdict>>, verdict: Verdict, is_outdated: bool) {
    verdicts.send_if_modified(|last| {
        let is_new = is_outdated
            || !match (&*last, &verdict) {
                (Some(Verdict::Caller(last)), Verdict::Caller(now)) => now.has_same_access(last),
                (Some(Verdict::Unavailable), Verdict::Unavailable) => true,
                _ => false,
            };
        *last = Some(verdict);
        is_new
    });
}

/// Returns `None` while the thread shuts down and its thread-local values are gone.
fn with_watches<R>(work: impl FnOnce(&mut Watches) -> R) -> Option<R> {
    WATCHES.try_with(|watches| work(&mut watches.borrow_mut())).ok()
}
