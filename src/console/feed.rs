//! The one source of frames for all pages.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::engine::ServiceStats;
use crate::sync::Arc;

use super::window::StatsWindow;

/// How often the mailboxes are looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// So many pages may look at once: each is an open connection and a copy of each frame on its way.
const MAX_PAGES: usize = 64;

/// A frame as JSON; `None` until there is one.
type LatestFrame = Option<Arc<[u8]>>;

/// Looks at the mailboxes once a second, for all pages together, and not at all while there is none.
///
/// A page sees the latest frame whenever it is ready for one. What a slow page has missed was never kept for it.
#[derive(Clone)]
pub(crate) struct StatsFeed(Arc<FeedInner>);

struct FeedInner {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
    latest: watch::Sender<LatestFrame>,
    /// To be locked whenever pages are counted to start or to end the task.
    state: Mutex<FeedState>,
}

#[derive(Default)]
struct FeedState {
    task: Option<JoinHandle<()>>,
    /// Between two visits as well: so a page that is loaded again has its percentiles at once.
    window: StatsWindow,
}

/// One page's view of the frames.
#[derive(Debug)]
pub(crate) struct Frames(watch::Receiver<LatestFrame>);

impl StatsFeed {
    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static) -> Self {
        let latest = watch::Sender::new(None);
        Self(Arc::new(FeedInner { stats: Box::new(stats), latest, state: Mutex::default() }))
    }

    /// The frames from now on; the first comes at once. `None` if too many pages look already.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn subscribe(&self) -> Option<Frames> {
        let mut state = self.0.state.lock();
        if self.0.latest.receiver_count() >= MAX_PAGES {
            return None;
        }
        let mut frames = self.0.latest.subscribe();
        // What is there already counts as new for a page that has seen none.
        frames.mark_changed();
        // A task can also have been lost, with the thread that it was on.
        if state.task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.0.latest.send_replace(None);
            state.task = Some(tokio::spawn(Arc::clone(&self.0).sample()));
        }
        Some(Frames(frames))
    }

    /// Whether the mailboxes are being looked at.
    #[cfg(test)]
    pub(crate) fn is_sampling(&self) -> bool {
        self.0.state.lock().task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

impl FeedInner {
    /// Looks until there is no page.
    async fn sample(self: Arc<Self>) {
        let mut ticks = interval(SAMPLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.latest.closed() => {
                    let mut state = self.state.lock();
                    // One may have come since.
                    if self.latest.receiver_count() == 0 {
                        state.task = None;
                        return;
                    }
                }
                _ = ticks.tick() => self.publish(),
            }
        }
    }

    fn publish(&self) {
        let services = (self.stats)();
        let mut state = self.state.lock();
        match state.window.advance(Instant::now(), services, |frame| serde_json::to_vec(frame)) {
            Ok(frame) => {
                self.latest.send_replace(Some(frame.into()));
            }
            Err(error) => log_error!(%error, "a frame for the console cannot be written"),
        }
    }
}

impl Frames {
    /// The latest frame that this page has not seen, once there is one. `None` if there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Arc<[u8]>> {
        loop {
            self.0.changed().await.ok()?;
            if let Some(frame) = self.0.borrow_and_update().clone() {
                return Some(frame);
            }
        }
    }
}

impl fmt::Debug for StatsFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsFeed").field("pages", &self.0.latest.receiver_count()).finish_non_exhaustive()
    }
}
