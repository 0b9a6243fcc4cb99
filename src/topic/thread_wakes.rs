//! Waking all subscribers of a thread with one wake.
//!
//! A method that publishes may run on the thread of a caller, and must stay short with 10,000
//! subscribers. Their connections live on a few threads. So it wakes each of these threads once,
//! and the thread wakes its own connections.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::mem;
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
    topics: HashMap<u64, TopicWaits, FxBuildHasher>,
}

/// The subscribers of one thread and one topic that wait.
#[derive(Default)]
struct TopicWaits {
    places: Vec<Place>,
    /// The places that are not taken, among these.
    free: Vec<usize>,
}

/// The place of one subscriber until it is woken.
struct Place {
    subscriber: SubscriberId,
    /// `None` if the subscriber no longer waits.
    waker: Option<Waker>,
}

impl TopicWaits {
    /// Notes that a subscriber waits, in the place that it has had `before` if that is still its
    /// own. Returns its place, and the waker that was in it.
    fn add(&mut self, subscriber: SubscriberId, before: Option<usize>, waker: Waker) -> (usize, Option<Waker>) {
        let place = Place { subscriber, waker: Some(waker) };
        let own = before.filter(|at| self.waker(subscriber, *at).is_some());
        if let Some(at) = own.or_else(|| self.free.pop()) {
            return (at, mem::replace(&mut self.places[at], place).waker);
        }
        self.places.push(place);
        (self.places.len() - 1, None)
    }

    /// Forgets the subscriber in a place, if it is its own. Returns its waker.
    fn remove(&mut self, subscriber: SubscriberId, at: usize) -> Option<Waker> {
        let waker = self.waker(subscriber, at)?.take();
        self.free.push(at);
        waker
    }

    /// Returns the waker of the subscriber that has this place.
    fn waker(&mut self, subscriber: SubscriberId, at: usize) -> Option<&mut Option<Waker>> {
        let place = self.places.get_mut(at).filter(|place| place.subscriber == subscriber)?;
        Some(&mut place.waker).filter(|waker| waker.is_some())
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    /// Returns the wakers in the order in which the subscribers came, and so about in that in which
    /// their connections lie in memory: with thousands of them, this order costs a tenth less than
    /// any other one.
    fn into_wakers(mut self) -> impl Iterator<Item = Waker> {
        // Nearly sorted, as they were woken in this order.
        self.places.sort_by_key(|place| place.subscriber);
        self.places.into_iter().filter_map(|place| place.waker)
    }
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

/// Where a subscriber waits.
pub(super) struct WaitPlace {
    pub(super) thread: Arc<WakeThread>,
    index: usize,
}

/// Notes that a subscriber waits on this thread. Returns its place, which it has had `before` if it
/// waits already. Returns `None` if the thread does not wake its subscribers itself, or if the
/// subscriber was on another thread before: one that moves would leave a place wherever it was.
pub(super) fn wait(
    topic: u64,
    subscriber: SubscriberId,
    before: Option<WaitPlace>,
    waker: &Waker,
) -> Option<WaitPlace> {
    let waiting = with_waits(|waits| {
        let waits = waits.as_mut()?;
        let (thread, index) = match before {
            Some(place) if !Arc::ptr_eq(&place.thread, &waits.thread) => return None,
            Some(place) => (place.thread, Some(place.index)),
            None => (Arc::clone(&waits.thread), None),
        };
        let (index, replaced) = waits.topics.entry(topic).or_default().add(subscriber, index, waker.clone());
        Some((WaitPlace { thread, index }, replaced))
    });
    // The waker that was replaced is dropped after the borrow, since that may drop anything.
    waiting.flatten().map(|(place, _)| place)
}

/// Forgets a subscriber, if it waits on this thread in this place.
pub(super) fn forget(topic: u64, subscriber: SubscriberId, place: &WaitPlace) {
    // The waker is dropped after the borrow, since that may drop anything.
    let _waker = with_waits(|waits| {
        let topics = &mut waits.as_mut()?.topics;
        let waiting = topics.get_mut(&topic)?;
        let waker = waiting.remove(subscriber, place.index);
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
        let topics = mem::take(&mut *thread.woken.lock());
        for topic in topics {
            let waiting = with_waits(|waits| waits.as_mut()?.topics.remove(&topic)).flatten();
            subscribers.extend(waiting.into_iter().flat_map(TopicWaits::into_wakers));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a waker, and whatever must live as long as somebody has it.
    fn counted() -> (Arc<()>, Waker) {
        struct Counts(#[expect(dead_code, reason = "it is counted")] Arc<()>);
        impl std::task::Wake for Counts {
            fn wake(self: std::sync::Arc<Self>) {}
        }
        let counter = Arc::new(());
        let waker = Waker::from(std::sync::Arc::new(Counts(Arc::clone(&counter))));
        (counter, waker)
    }

    #[test]
    fn a_subscriber_that_waits_already_keeps_its_place_and_only_its_last_waker() {
        let (mut waits, subscriber) = (TopicWaits::default(), SubscriberId::fresh());
        let ((old, first), (new, second)) = (counted(), counted());
        let (place, replaced) = waits.add(subscriber, None, first);
        assert!(replaced.is_none());
        let (same, replaced) = waits.add(subscriber, Some(place), second);
        assert_eq!((same, waits.places.len()), (place, 1));
        drop(replaced);
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 2));
        assert_eq!(waits.into_wakers().count(), 1);
    }

    #[test]
    fn subscribers_that_come_and_go_take_no_more_places_than_there_are_of_them() {
        let (mut waits, (_counter, waker)) = (TopicWaits::default(), counted());
        let (stays, _) = waits.add(SubscriberId::fresh(), None, waker.clone());
        for _ in 0..1000 {
            let subscribers = [SubscriberId::fresh(), SubscriberId::fresh()];
            let places = subscribers.map(|subscriber| waits.add(subscriber, None, waker.clone()).0);
            for (subscriber, place) in subscribers.into_iter().zip(places) {
                assert!(place != stays && waits.remove(subscriber, place).is_some());
            }
        }
        assert!(!waits.is_empty());
        assert_eq!((waits.places.len(), waits.into_wakers().count()), (3, 1));
    }

    #[test]
    fn a_place_that_was_given_to_another_subscriber_is_not_taken_from_it() {
        let (mut waits, (_counter, waker)) = (TopicWaits::default(), counted());
        let [before, after] = [SubscriberId::fresh(), SubscriberId::fresh()];
        let (place, _) = waits.add(before, None, waker.clone());
        assert!(waits.remove(before, place).is_some());
        // It has no place until it waits again.
        assert!(waits.remove(before, place).is_none() && waits.is_empty());
        assert_eq!(waits.add(after, None, waker.clone()).0, place);
        assert_ne!(waits.add(before, Some(place), waker.clone()).0, place);
        assert!(waits.remove(before, place).is_none());
        assert_eq!(waits.into_wakers().count(), 2);
    }
}
