//! A topic and its subscribers, without a connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use callbox_client::{ClientError, JsonItems, Lag, Subscription};
use futures::StreamExt;
use futures::task::noop_waker_ref;
use tokio::task::LocalSet;

use crate::service::NextItem;
use crate::sync::Arc;

use super::{Topic, wake_by_thread};

/// Returns the value of the next item and what was missed before it, if there is one.
fn next<T: Clone + Send + 'static>(subscription: &mut Subscription<T>) -> Option<(T, Option<Lag>)> {
    match subscription.poll_next_unpin(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Ready(Some(Ok(item))) => Some((T::clone(&item), item.lag())),
        Poll::Ready(end) => panic!("it has ended: {end:?}", end = end.map(|end| end.map(drop))),
        Poll::Pending => None,
    }
}

/// Returns the code of the error with which a subscription ends, or `None` without one.
fn end<T: Send + 'static>(subscription: &mut Subscription<T>) -> Option<i32> {
    match subscription.poll_next_unpin(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Ready(Some(Err(ClientError::Rejected(error)))) => Some(error.code()),
        Poll::Ready(None) => None,
        _ => panic!("it goes on"),
    }
}

#[test]
fn a_subscriber_gets_the_items_from_its_start_on_in_order() {
    let topic = Topic::with_capacity(4);
    topic.publish(1);
    let mut one = topic.subscribe();
    topic.publish(2);
    let mut other = topic.clone().subscribe();
    topic.publish(3);
    assert_eq!([next(&mut one), next(&mut one), next(&mut one)], [Some((2, None)), Some((3, None)), None]);
    assert_eq!([next(&mut other), next(&mut other)], [Some((3, None)), None]);
}

#[test]
fn what_was_missed_is_exactly_what_is_no_longer_kept() {
    for (capacity, kept) in [(0, 1), (1, 1), (4, 4), (100, 10)] {
        let topic = Topic::with_capacity(capacity);
        let mut subscription = topic.subscribe();
        (0..10).for_each(|number| topic.publish(number));
        let missed = 10 - kept;
        let lag = (missed > 0).then_some(Lag::Items(missed));
        assert_eq!(next(&mut subscription), Some((missed, lag)), "{capacity}");
        for number in missed + 1..10 {
            assert_eq!(next(&mut subscription), Some((number, None)), "{capacity}");
        }
        assert_eq!(next(&mut subscription), None, "{capacity}");
    }
}

#[test]
fn a_position_behind_a_gap_is_told_only_once_the_gap_is() {
    let topic = Topic::with_capacity(2);
    let mut items = JsonItems::from(topic.subscribe().filter(|number| *number > 5));
    assert!(items.cursor().is_some());
    (1..=5).for_each(|number| topic.publish(number));
    let poll = |items: &mut JsonItems| items.poll_next(&mut Context::from_waker(noop_waker_ref()), &mut Vec::new());
    assert!(poll(&mut items).is_pending());
    assert_eq!(items.cursor(), None, "who continues there does not hear of what was missed");
    topic.publish(6);
    let Poll::Ready(NextItem::Item { lag, cursor, .. }) = poll(&mut items) else { panic!("no item") };
    assert_eq!((lag, cursor), (Some(Lag::Items(3)), items.cursor()));

    let mut resumed = JsonItems::from(topic.subscribe());
    resumed.resume("0-7").expect("a topic");
    assert_eq!(resumed.cursor(), None);
    topic.publish(7);
    let Poll::Ready(NextItem::Item { lag, cursor, .. }) = poll(&mut resumed) else { panic!("no item") };
    assert_eq!((lag, cursor), (Some(Lag::Unknown), resumed.cursor()));
}

#[test]
fn a_closed_topic_is_done_and_a_dropped_one_unavailable_after_the_items() {
    let topic = Topic::new();
    let mut closed = topic.subscribe();
    topic.publish(1);
    topic.close();
    topic.publish(2);
    assert_eq!(next(&mut closed), Some((1, None)));
    assert_eq!((end(&mut closed), end(&mut closed)), (None, None));
    assert_eq!(end(&mut topic.subscribe()), None);

    let topic = Topic::new();
    let clone = topic.clone();
    let mut dropped = topic.subscribe();
    topic.publish(1);
    drop(topic);
    assert_eq!([next(&mut dropped), next(&mut dropped)], [Some((1, None)), None], "there is a clone");
    drop(clone);
    assert_eq!((end(&mut dropped), end(&mut dropped)), (Some(-32003), None));
}

#[test]
fn the_items_are_dropped_with_the_ring_and_the_last_topic_leaves_none() {
    let topic = Topic::with_capacity(2);
    let items: Vec<_> = (0..5).map(Arc::new).collect();
    let weak: Vec<Weak<i32>> = items.iter().map(Arc::downgrade).collect();
    items.into_iter().for_each(|item| topic.publish(item));
    let alive = || weak.iter().filter(|item| item.strong_count() > 0).count();
    assert_eq!(alive(), 2);
    let subscription = topic.subscribe();
    drop(topic);
    drop(subscription);
    assert_eq!(alive(), 0);
}

/// Runs this on a new thread. It can wake its subscribers together, and then does so for good.
fn on_thread(by_thread: bool, test: impl AsyncFnOnce() + Send + 'static) {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        LocalSet::new().block_on(&runtime, async {
            if by_thread {
                wake_by_thread();
                wake_by_thread();
            }
            test().await;
        });
    };
    std::thread::spawn(run).join().expect("no panic");
}

/// Waits for the next item in a task, and returns how often it was polled.
async fn wakes(publish: impl AsyncFnOnce(&Topic<u32>)) -> u32 {
    let topic = Topic::new();
    let mut subscription = topic.subscribe();
    let task = tokio::task::spawn_local(async move {
        let mut polls = 0;
        let item = std::future::poll_fn(|cx| {
            polls += 1;
            subscription.poll_next_unpin(cx)
        });
        assert_eq!(*item.await.expect("an item").expect("no error"), 7);
        polls
    });
    tokio::task::yield_now().await;
    publish(&topic).await;
    task.await.expect("no panic")
}

#[test]
fn a_waiting_subscriber_is_woken_once_by_itself_and_with_its_thread() {
    for by_thread in [false, true] {
        on_thread(by_thread, async move || {
            assert_eq!(wakes(async |topic| topic.publish(7)).await, 2, "{by_thread}");
            let elsewhere = async |topic: &Topic<u32>| {
                let topic = topic.clone();
                tokio::task::spawn_blocking(move || topic.publish(7)).await.expect("no panic");
            };
            assert_eq!(wakes(elsewhere).await, 2, "{by_thread}, from another thread");
        });
    }
}

/// Goes on when the tasks have run that are woken by now.
async fn after_those_woken() {
    let mut has_waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn other_tasks_have_their_turn_while_many_subscribers_of_a_thread_are_woken() {
    const SUBSCRIBERS: usize = 1000;
    on_thread(true, async || {
        let topic = Topic::new();
        let served = Rc::new(Cell::new(0));
        for _ in 0..SUBSCRIBERS {
            let (mut subscription, served) = (topic.subscribe(), Rc::clone(&served));
            tokio::task::spawn_local(async move {
                while subscription.next().await.is_some() {
                    served.set(served.get() + 1);
                }
            });
        }
        tokio::task::yield_now().await;
        for item in 1..=3 {
            topic.publish(item);
            let mut turns = 0;
            while served.get() < SUBSCRIBERS * item {
                after_those_woken().await;
                turns += 1;
                assert!(turns <= SUBSCRIBERS, "{} of {SUBSCRIBERS} got item {item}", served.get());
            }
            assert!(turns > 10, "{turns} turns of another task");
        }
    });
}

#[test]
fn the_subscribers_of_a_thread_are_woken_in_the_order_in_which_they_came() {
    on_thread(true, async || {
        let (topic, order) = (Topic::new(), Rc::new(RefCell::new(Vec::new())));
        for number in 0..100 {
            let (mut subscription, order) = (topic.subscribe(), Rc::clone(&order));
            tokio::task::spawn_local(async move {
                while subscription.next().await.is_some() {
                    order.borrow_mut().push(number);
                }
            });
        }
        for item in 0..=3 {
            topic.publish(item);
            while order.borrow().len() < 100 {
                after_those_woken().await;
            }
            let served = order.take();
            // Nobody waits for the first item.
            assert!(item == 0 || served == Vec::from_iter(0..100), "item {item}: {served:?}");
        }
    });
}

#[test]
fn a_subscriber_that_waits_later_than_others_is_woken_in_its_order_all_the_same() {
    on_thread(true, async || {
        let (topic, order) = (Topic::<u32>::new(), Rc::new(RefCell::new(Vec::new())));
        let mut subscriptions: Vec<_> = (0..3).map(|_| topic.subscribe()).collect();
        subscriptions.rotate_left(1);
        for (number, mut subscription) in [1, 2, 0].into_iter().zip(subscriptions) {
            let order = Rc::clone(&order);
            tokio::task::spawn_local(async move {
                if subscription.next().await.is_some() {
                    order.borrow_mut().push(number);
                }
            });
        }
        tokio::task::yield_now().await;
        topic.publish(1);
        while order.borrow().len() < 3 {
            after_those_woken().await;
        }
        assert_eq!(order.take(), [0, 1, 2]);
    });
}

#[test]
fn a_subscriber_that_is_dropped_while_it_waits_leaves_no_waker() {
    for by_thread in [false, true] {
        on_thread(by_thread, async move || {
            let topic = Topic::<u32>::new();
            let waker = std::sync::Arc::new(CountsNothing);
            let mut subscription = topic.subscribe();
            let own = waker.clone().into();
            let polls = &mut Context::from_waker(&own);
            assert!(subscription.poll_next_unpin(polls).is_pending());
            assert!(std::sync::Arc::strong_count(&waker) > 2, "it waits");
            drop(subscription);
            assert_eq!(std::sync::Arc::strong_count(&waker), 2, "{by_thread}: this one, and that of the context");
        });
    }
}

#[test]
fn a_subscriber_that_moves_between_threads_waits_once_on_each_of_them_at_most() {
    for elsewhere_by_thread in [false, true] {
        on_thread(true, async move || {
            let topic = Topic::<u32>::new();
            let waker = std::sync::Arc::new(CountsNothing);
            let subscription = std::sync::Arc::new(std::sync::Mutex::new(topic.subscribe()));
            let poll = {
                let (waker, subscription) = (waker.clone().into(), subscription.clone());
                move || {
                    let polls = &mut Context::from_waker(&waker);
                    assert!(subscription.lock().expect("no panic").poll_next_unpin(polls).is_pending());
                }
            };
            let mut others: Vec<_> = (0..3).map(|_| topic.subscribe()).collect();
            assert!(others.iter_mut().all(|other| next(other).is_none()), "they wait on this thread");
            let (turn, turns) = std::sync::mpsc::channel::<()>();
            let (done, dones) = std::sync::mpsc::channel();
            let elsewhere = std::thread::spawn({
                let poll = poll.clone();
                move || {
                    on_thread(elsewhere_by_thread, async move || {
                        for () in turns {
                            poll();
                            done.send(()).expect("it is waited for");
                        }
                    });
                }
            });
            for _ in 0..100 {
                poll();
                turn.send(()).expect("the other thread");
                dones.recv().expect("the other thread");
            }
            // That of this test, those of the two closures, and one that waits on each thread.
            assert!(std::sync::Arc::strong_count(&waker) <= 5, "{elsewhere_by_thread}");
            drop((turn, poll, others));
            elsewhere.join().expect("no panic");
        });
    }
}

struct CountsNothing;

impl std::task::Wake for CountsNothing {
    fn wake(self: std::sync::Arc<Self>) {}
}

#[test]
fn a_subscriber_that_has_got_the_last_item_is_woken_for_the_next_one_without_another_poll() {
    for by_thread in [false, true] {
        on_thread(by_thread, async move || {
            let (topic, counter) = (Topic::new(), std::sync::Arc::new(CountsWakes::default()));
            let mut subscription = topic.subscribe();
            let own = counter.clone().into();
            let mut next = || match subscription.poll_next_unpin(&mut Context::from_waker(&own)) {
                Poll::Ready(Some(Ok(item))) => *item,
                _ => panic!("no item"),
            };
            let publish = async |item: u32| {
                topic.publish(item);
                after_those_woken().await;
                counter.0.swap(0, Ordering::Relaxed)
            };
            publish(1).await;
            publish(2).await;
            assert_eq!(next(), 1);
            assert_eq!(publish(3).await, 0, "{by_thread}: one is there already");
            assert_eq!([next(), next()], [2, 3]);
            assert_eq!(publish(4).await, 1, "{by_thread}");
            assert_eq!(next(), 4);
        });
    }
}

#[derive(Default)]
struct CountsWakes(AtomicUsize);

impl std::task::Wake for CountsWakes {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
