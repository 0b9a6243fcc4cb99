//! Which subscriptions of a connection may have something to send.
//!
//! Each subscription has a waker of its own. So the connection polls those that were woken, and not
//! all of them.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

use super::open_subscription::Polled;

/// The subscriptions to poll, in their order.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    ready: Mutex<Ready>,
    connection: AtomicWaker,
}

/// A queue that needs no memory of its own for one subscription, as most connections have.
#[derive(Debug, Default)]
struct Ready {
    first: Option<u64>,
    others: VecDeque<u64>,
}

/// Puts one subscription into the queue when it is woken.
#[derive(Debug)]
pub(super) struct Wakeup {
    subscription: u64,
    is_queued: AtomicBool,
    queue: Arc<ReadyQueue>,
}

impl ReadyQueue {
    /// Sets the task of the connection, which is woken with its subscriptions.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.connection.register(cx.waker());
    }

    /// Returns the next subscription to poll.
    pub(super) fn pop(&self) -> Option<u64> {
        let mut ready = self.ready.lock();
        let others = ready.others.pop_front();
        mem::replace(&mut ready.first, others)
    }

    /// Whether no subscription is to be polled.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.lock().first.is_none()
    }

    /// Puts a subscription at the end, without a wake: the connection is being polled.
    fn push(&self, subscription: u64) {
        let mut ready = self.ready.lock();
        if ready.first.is_none() {
            ready.first = Some(subscription);
        } else {
            ready.others.push_back(subscription);
        }
    }
}

impl Wakeup {
    pub(super) fn new(subscription: u64, queue: Arc<ReadyQueue>) -> Arc<Self> {
        Arc::new(Self { subscription, is_queued: AtomicBool::new(false), queue })
    }

    /// Queues the subscription, unless it is queued.
    pub(super) fn queue(&self) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.queue.push(self.subscription);
        }
    }

    /// Queues the subscription after a poll that has written something, and may write more.
    pub(super) fn queue_if_more(&self, polled: &Polled) {
        if let Polled::Message { is_woken: false, .. } = polled {
            self.queue();
        }
    }

    /// Returns the waker with which the subscription is polled next: from now on a wake counts
    /// again.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        // A swap and not a store. A wake that found the subscription queued happened before this
        // swap then, so the poll sees what the wake is about. Behind a store, the processor may
        // look into the stream before others see the store, and such a wake would be lost.
        self.is_queued.swap(false, Ordering::AcqRel);
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
        self.queue.connection.wake();
    }
}
