//! The items of a topic, and who waits for the next one.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use rustc_hash::FxBuildHasher;

use crate::log::discard;
use crate::mailbox::wake;
use crate::service::Shared;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

use super::thread_wakes::WakeThread;

/// Identifies a subscriber of any topic, as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SubscriberId(u64);

impl SubscriberId {
    pub(super) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The last items of a topic.
pub(super) struct Ring<T> {
    /// Identifies the topic among all that ever were, so that a cursor of another one is noticed.
    pub(super) epoch: u64,
    state: Mutex<State<T>>,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<Shared<T>>,
    /// Number of the next item. The first one has the number 1.
    next: u64,
    end: Option<End>,
    waiting: Waiting,
}

/// Who waits for the next item. Each is woken once and must then wait anew.
#[derive(Default)]
struct Waiting {
    /// Threads, which wake their own subscribers.
    threads: Vec<Arc<WakeThread>>,
    /// Subscribers of all other threads.
    tasks: HashMap<SubscriberId, Waker, FxBuildHasher>,
}

/// Why there are no more items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The topic was closed.
    Done,
    /// The topic was dropped.
    Gone,
}

/// What a subscriber finds at its position.
pub(super) enum Found<T> {
    /// An item, its number, how many were missed before it, and whether the subscriber is woken for
    /// the next one, which is not there yet.
    Item {
        item: Shared<T>,
        number: u64,
        missed: u64,
        waits: bool,
    },
    End(End),
    /// Nothing yet. The subscriber is woken when that changes.
    Nothing,
}

/// How a subscriber is woken.
pub(super) enum Wakes {
    /// With all others of its thread.
    WithThread(Arc<WakeThread>),
    /// By itself.
    Alone(SubscriberId, Waker),
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), next: 1, end: None, waiting: Waiting::default() };
        Self { epoch: random(), state: Mutex::new(state), capacity }
    }

    /// Returns the number of items so far.
    pub(super) fn published(&self) -> u64 {
        self.state.lock().next - 1
    }

    /// Adds an item, and drops the oldest one if there are too many.
    pub(super) fn push(&self, item: T) {
        let item = Shared::new(item);
        let (dropped, waiting) = {
            let mut state = self.state.lock();
            if state.end.is_some() {
                return;
            }
            let full = state.items.len() >= self.capacity;
            let dropped = if full { state.items.pop_front() } else { None };
            state.items.push_back(item);
            state.next += 1;
            (dropped, state.waiting.take())
        };
        waiting.wake(self.epoch);
        // A value of the user, whose drop may take long, or panic.
        discard(dropped);
    }

    /// Ends the topic, unless it has ended.
    pub(super) fn close(&self, end: End) {
        let waiting = {
            let mut state = self.state.lock();
            state.end.get_or_insert(end);
            state.waiting.take()
        };
        waiting.wake(self.epoch);
    }

    /// Returns what is at this position. If nothing is there, or nothing after it, the subscriber
    /// is woken as `wakes` says.
    pub(super) fn find(&self, number: u64, wakes: impl FnOnce() -> Wakes) -> Found<T> {
        let mut state = self.state.lock();
        let first = state.next - state.items.len() as u64;
        let at = number.max(first);
        let index = usize::try_from(at - first).unwrap_or(usize::MAX);
        if let Some(item) = state.items.get(index) {
            let item = item.clone();
            let waits = index + 1 == state.items.len() && state.end.is_none();
            if waits {
                state.waiting.add(wakes());
            }
            return Found::Item { item, number: at, missed: at - number, waits };
        }
        if let Some(end) = state.end {
            return Found::End(end);
        }
        state.waiting.add(wakes());
        Found::Nothing
    }

    /// Forgets a subscriber that is woken by itself.
    pub(super) fn forget(&self, subscriber: SubscriberId) {
        let waker = self.state.lock().waiting.tasks.remove(&subscriber);
        discard(waker);
    }
}

impl Waiting {
    fn add(&mut self, wakes: Wakes) {
        match wakes {
            Wakes::WithThread(thread) => {
                // There are as many as threads that serve connections.
                if !self.threads.iter().any(|known| Arc::ptr_eq(known, &thread)) {
                    self.threads.push(thread);
                }
            }
            Wakes::Alone(subscriber, waker) => {
                self.tasks.insert(subscriber, waker);
            }
        }
    }

    fn take(&mut self) -> Woken {
        Woken { threads: self.threads.drain(..).collect(), tasks: self.tasks.drain().map(|(_, waker)| waker).collect() }
    }
}

/// Those who are to be woken, once the ring is no longer locked.
struct Woken {
    threads: Vec<Arc<WakeThread>>,
    tasks: Vec<Waker>,
}

impl Woken {
    fn wake(self, topic: u64) {
        self.threads.iter().for_each(|thread| thread.wake(topic));
        self.tasks.into_iter().for_each(wake);
    }
}

/// Returns a number that no other topic is likely to have.
fn random() -> u64 {
    // Without randomness the cursors of two runs may be taken for each other: the time keeps them
    // apart then.
    getrandom::u64().unwrap_or_else(|_| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |time| time.as_nanos() as u64)
    })
}
