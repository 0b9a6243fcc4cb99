//! Which subscriptions of a connection may have something to send.
//!
//! Each subscription has a waker of its own. So the connection polls those that were woken, and not
//! all of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

/// The subscriptions to poll, in their order.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    ready: Mutex<VecDeque<u64>>,
    connection: AtomicWaker,
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
        self.ready.lock().pop_front()
    }

    /// Whether no subscription is to be polled.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.lock().is_empty()
    }

    /// Puts a subscription at the end, without a wake: the connection is being polled.
    fn push(&self, subscription: u64) {
        self.ready.lock().push_back(subscription);
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

    /// Notes that the subscription is about to be polled: from now on a wake counts again.
    pub(super) fn taken(&self) {
        // A swap and not a store. A wake that found the subscription queued happened before this
        // swap then, so the poll sees what the wake is about. Behind a store, the processor may
        // look into the stream before others see the store, and such a wake would be lost.
        self.is_queued.swap(false, Ordering::AcqRel);
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

/// Returns the waker of a subscription.
pub(super) fn waker(wakeup: &Arc<Wakeup>) -> Waker {
    Waker::from(Arc::clone(wakeup))
}
