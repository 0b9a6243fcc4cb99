//! The one source of frames for all pages.

use std::fmt;
use std::time::Duration;

use futures::{Stream, stream};
use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::engine::ServiceStats;
use crate::measure::ServerCounters;
use crate::sync::Arc;

use super::window::{StatsWindow, Surroundings};

/// Interval between two samples of the mailboxes.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// A frame as JSON. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct StatsFrame(Arc<RawValue>);

/// Samples the mailboxes once a second for all pages together, and not at all while no page is
/// open.
///
/// A page gets the latest frame whenever it is ready for one. No frames are kept for a slow page.
#[derive(Clone)]
pub(crate) struct StatsFeed(Arc<FeedInner>);

struct FeedInner {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
    counters: ServerCounters,
    /// The latest frame; `None` until there is one.
    latest: watch::Sender<Option<StatsFrame>>,
    /// Locked whenever pages are counted to start or to stop the task, so that a page that opens
    /// just then is not left without one.
    state: Mutex<FeedState>,
}

#[derive(Default)]
struct FeedState {
    task: Option<JoinHandle<()>>,
    is_closed: bool,
    /// Kept while no page is open: so a page that is loaded again has its percentiles at once.
    window: StatsWindow,
}

/// One page's subscription to the frames.
#[derive(Debug)]
pub(crate) struct Frames(watch::Receiver<Option<StatsFrame>>);

/// Why a page gets no frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrames {
    /// There is no console.
    Closed,
    /// As many pages are open as there may be.
    TooManyPages,
}

impl StatsFeed {
    /// Maximum number of open pages: each is an open connection, and a copy of each frame on its
    /// way.
    pub(crate) const MAX_PAGES: usize = 64;

    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static, counters: ServerCounters) -> Self {
        let latest = watch::Sender::new(None);
        Self(Arc::new(FeedInner { stats: Box::new(stats), counters, latest, state: Mutex::default() }))
    }

    /// Returns the frames from now on; the first comes at once.
    ///
    /// # Errors
    /// If the feed is closed, or too many pages are open.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn subscribe(&self) -> Result<Frames, NoFrames> {
        let mut state = self.0.state.lock();
        if state.is_closed {
            return Err(NoFrames::Closed);
        }
        if self.0.latest.receiver_count() >= Self::MAX_PAGES {
            return Err(NoFrames::TooManyPages);
        }
        let mut frames = self.0.latest.subscribe();
        // The current frame counts as new for a page that has seen none.
        frames.mark_changed();
        // The task may also have died with the thread that it ran on.
        if state.task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.0.latest.send_replace(None);
            state.task = Some(tokio::spawn(Arc::clone(&self.0).sample()));
        }
        Ok(Frames(frames))
    }

    /// Accepts no page from now on, since there is no console.
    pub(crate) fn close(&self) {
        self.0.state.lock().is_closed = true;
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
        let around = Surroundings {
            connections: self.counters.connections.stats(),
            #[cfg(feature = "nats")]
            instances: self.counters.nats.instances(),
        };
        let mut state = self.state.lock();
        match state.window.advance(Instant::now(), services, &around, |frame| to_raw_value(frame)) {
            Ok(frame) => {
                self.latest.send_replace(Some(StatsFrame(frame.into())));
            }
            Err(error) => log_error!(%error, "a frame for the console cannot be written"),
        }
    }
}

impl Frames {
    /// Returns the latest frame that this page has not seen, once there is one. Returns `None` if
    /// there will be no more.
    pub(crate) async fn next(&mut self) -> Option<StatsFrame> {
        loop {
            self.0.changed().await.ok()?;
            if let Some(frame) = self.0.borrow_and_update().clone() {
                return Some(frame);
            }
        }
    }

    /// Returns the frames as a stream.
    pub(crate) fn into_stream(self) -> impl Stream<Item = StatsFrame> + Send + 'static {
        stream::unfold(self, async |mut frames| Some((frames.next().await?, frames)))
    }
}

impl Serialize for StatsFrame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for StatsFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsFeed").field("pages", &self.0.latest.receiver_count()).finish_non_exhaustive()
    }
}
