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

/// Interval between two samples of the mailboxes.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of open pages: each is an open connection, and a copy of each frame on its way.
const MAX_PAGES: usize = 64;

/// The latest frame as JSON; `None` until there is one.
type LatestFrame = Option<Arc<[u8]>>;

/// Samples the mailboxes once a second for all pages together, and not at all while no page is
/// open.
///
/// A page gets the latest frame whenever it is ready for one. No frames are kept for a slow page.
#[derive(Clone)]
pub(crate) struct StatsFeed(Arc<FeedInner>);

struct FeedInner {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
    latest: watch::Sender<LatestFrame>,
    /// Locked whenever pages are counted to start or to stop the task, so that a page that opens
    /// just then is not left without one.
    state: Mutex<FeedState>,
}

#[derive(Default)]
struct FeedState {
    task: Option<JoinHandle<()>>,
    /// Kept while no page is open: so a page that is loaded again has its percentiles at once.
    window: StatsWindow,
}

/// One page's subscription to the frames.
#[derive(Debug)]
pub(crate) struct Frames(watch::Receiver<LatestFrame>);

impl StatsFeed {
    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static) -> Self {
        let latest = watch::Sender::new(None);
        Self(Arc::new(FeedInner { stats: Box::new(stats), latest, state: Mutex::default() }))
    }

    /// Returns the frames from now on; the first comes at once. Returns `None` if too many pages
    /// are open.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn subscribe(&self) -> Option<Frames> {
        let mut state = self.0.state.lock();
        if self.0.latest.receiver_count() >= MAX_PAGES {
            return None;
        }
        let mut frames = self.0.latest.subscribe();
        // The current frame counts as new for a page that has seen none.
        frames.mark_changed();
        // The task may also have died with the thread that it ran on.
        if state.task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.0.latest.send_replace(None);
            state.task = Some(tokio::spawn(Arc::clone(&self.0).sample()));
        }
        Some(Frames(frames))
    }

    /// Whether the mailboxes are being sampled.
    #[cfg(test)]
    pub(crate) fn is_sampling(&self) -> bool {
        self.0.state.lock().task.as_ref().is_some_and(|task| !task.is_finished())
    }
}

impl FeedInner {
    /// Samples until no page is open.
    async fn sample(self: Arc<Self>) {
        let mut ticks = interval(SAMPLE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.latest.closed() => {
                    let mut state = self.state.lock();
                    // A page may have opened since.
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
    /// Returns the latest frame that this page has not seen, once there is one. Returns `None` if
    /// there will be no more.
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
