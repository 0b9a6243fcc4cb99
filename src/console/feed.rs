//! The one source of frames for all pages.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::engine::ServiceStats;
use crate::sync::Arc;

use super::window::Window;

/// How often the mailboxes are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// So many pages may look at once: each is an open connection and a copy of each frame on its way.
const PAGES: usize = 64;

/// A frame as JSON; `None` until there is one.
type Newest = Option<Arc<[u8]>>;

/// Looks at the mailboxes once a second, for all pages together, and not at all while there is none.
///
/// A page sees the newest frame whenever it is ready for one. What a slow page has missed was never kept for it.
#[derive(Clone)]
pub(crate) struct Feed(Arc<Inner>);

struct Inner {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
    newest: watch::Sender<Newest>,
    /// To be locked whenever pages are counted to start or to end the task.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    task: Option<JoinHandle<()>>,
    /// Between two visits as well: so a page that is loaded again has its percentiles at once.
    window: Window,
}

/// One page's view of the frames.
#[derive(Debug)]
pub(crate) struct Frames(watch::Receiver<Newest>);

impl Feed {
    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static) -> Self {
        let newest = watch::Sender::new(None);
        Self(Arc::new(Inner { stats: Box::new(stats), newest, state: Mutex::default() }))
    }

    /// The frames from now on; the first comes at once. `None` if too many pages look already.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn look(&self) -> Option<Frames> {
        let mut state = self.0.state.lock();
        if self.0.newest.receiver_count() >= PAGES {
            return None;
        }
        let mut frames = self.0.newest.subscribe();
        // What is there already counts as new for a page that has seen none.
        frames.mark_changed();
        // A task can also have been lost, with the thread that it was on.
        if state.task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.0.newest.send_replace(None);
            state.task = Some(tokio::spawn(Arc::clone(&self.0).sample()));
        }
        Some(Frames(frames))
    }

    /// Whether the mailboxes are being looked at.
    #[cfg(test)]
    pub(crate) fn is_awake(&self) -> bool {
        self.0.state.lock().task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

impl Inner {
    /// Looks until there is no page.
    async fn sample(self: Arc<Self>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.newest.closed() => {
                    let mut state = self.state.lock();
                    // One may have come since.
                    if self.newest.receiver_count() == 0 {
                        state.task = None;
                        return;
                    }
                }
                _ = ticks.tick() => self.look_now(),
            }
        }
    }

    fn look_now(&self) {
        let services = (self.stats)();
        let mut state = self.state.lock();
        match state.window.advance(Instant::now(), services, |frame| serde_json::to_vec(frame)) {
            Ok(frame) => {
                self.newest.send_replace(Some(frame.into()));
            }
            Err(error) => log_error!(%error, "a frame for the console cannot be written"),
        }
    }
}

impl Frames {
    /// The newest frame that this page has not seen, once there is one. `None` if there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Arc<[u8]>> {
        loop {
            self.0.changed().await.ok()?;
            if let Some(frame) = self.0.borrow_and_update().clone() {
                return Some(frame);
            }
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("pages", &self.0.newest.receiver_count()).finish_non_exhaustive()
    }
}
