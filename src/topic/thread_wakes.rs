//! Waking all subscribers of a thread with one wake.
//!
//! A method that publishes may run on the thread of a caller, and must stay short with 10,000
//! subscribers. Their connections live on a few threads. So it wakes each of these threads once,
//! and the thread wakes its own connections.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};

use rustc_hash::FxBuildHasher;

use crate::mailbox::wake;
use crate::sync::{Arc, AtomicWaker, Mutex};

use super::ring::SubscriberId;

/// Number of subscribers that are woken at once.
const GROUP: usize = 32;

/// A thread that wakes its own subscribers.
#[derive(Default)]
pub(super) struct WakeThread {
    /// The topics that have something new, by their epochs.
    woken: Mutex<Vec<u64>>,
    task: AtomicWaker,
}

/// The subscribers of one thread that wait, by their topics.
struct LocalWaits {
    thread: Arc<WakeThread>,
    /// In the order in which they have subscribed, and so about in that in which their connections
    /// lie in memory: with thousands of them, this order costs a tenth less than any other one.
    topics: HashMap<u64, BTreeMap<SubscriberId, Waker>, FxBuildHasher>,
}

thread_local! {
    static WAITS: RefCell<Option<LocalWaits>> = const { RefCell::new(None) };
}

impl WakeThread {
    /// Wakes the thread for a topic.
    pub(super) fn wake(&self, topic: u64) {
        self.woken.lock().push(topic);
        self.task.wake();
    }
}

/// From now on, the subscribers on this thread are woken together.
///
/// # Panics
/// Outside of a local task set of tokio, which every thread of actix has.
pub(crate) fn wake_by_thread() {
    let new = with_waits(|waits| {
        if waits.is_some() {
            return None;
        }
        let thread = Arc::<WakeThread>::default();
        *waits = Some(LocalWaits { thread: Arc::clone(&thread), topics: HashMap::default() });
        Some(thread)
    });
    if let Some(Some(thread)) = new {
        tokio::task::spawn_local(wake_subscribers(thread));
    }
}

/// Notes that a subscriber on this thread waits. Returns the thread, if it wakes its subscribers
/// itself.
pub(super) fn wait(topic: u64, subscriber: SubscriberId, waker: &Waker) -> Option<Arc<WakeThread>> {
    with_waits(|waits| {
        let waits = waits.as_mut()?;
        waits.topics.entry(topic).or_default().insert(subscriber, waker.clone());
        Some(Arc::clone(&waits.thread))
    })
    .flatten()
}

/// Forgets a subscriber of this thread.
pub(super) fn forget(topic: u64, subscriber: SubscriberId) {
    // The waker is dropped outside, since that may drop anything.
    let _waker = with_waits(|waits| {
        let topics = &mut waits.as_mut()?.topics;
        let waiting = topics.get_mut(&topic)?;
        let waker = waiting.remove(&subscriber);
        if waiting.is_empty() {
            topics.remove(&topic);
        }
        waker
    });
}

/// Wakes the subscribers of this thread whenever one of their topics has something new.
///
/// A group of them has been served when the next one is woken. So what a wake has touched is still
/// in the processor's cache when the connection sends, and the thread looks at its sockets between.
fn wake_subscribers(thread: Arc<WakeThread>) -> impl Future<Output = ()> {
    let mut subscribers = VecDeque::new();
    poll_fn(move |cx| {
        // Registered before the look, so that a wake between the two is not missed.
        thread.task.register(cx.waker());
        let topics = std::mem::take(&mut *thread.woken.lock());
        for topic in topics {
            let waiting = with_waits(|waits| waits.as_mut()?.topics.remove(&topic)).flatten();
            subscribers.extend(waiting.into_iter().flatten().map(|(_, waker)| waker));
        }
        let group = subscribers.len().min(GROUP);
        subscribers.drain(..group).for_each(wake);
        if subscribers.is_empty() {
            // Nothing is kept of the most that there ever were.
            subscribers = VecDeque::new();
        } else {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
}

/// Returns `None` while the thread shuts down and its thread-local values are gone.
fn with_waits<R>(work: impl FnOnce(&mut Option<LocalWaits>) -> R) -> Option<R> {
    WAITS.try_with(|waits| work(&mut waits.borrow_mut())).ok()
}
