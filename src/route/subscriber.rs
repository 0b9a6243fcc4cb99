//! Where the items of a subscription go: the connection of the caller.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use callbox_client::{JsonItems, SubscriptionNames};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;

use crate::jsonrpc::RpcError;
use crate::service::Access;
use crate::sync::{Arc, AtomicBool, Ordering};

use super::item_counters::ItemCounters;

/// The connection of a caller, which takes the items of subscriptions.
pub(crate) trait Subscriber {
    /// Takes a subscription, and returns its id. Its items may be sent once the reply with the id
    /// was sent.
    ///
    /// # Errors
    /// If the caller asked for something that this subscription cannot do, or has too many.
    fn subscribe(&self, started: StartedSubscription) -> Result<String, RpcError>;

    /// Drops a subscription. Returns whether there was one with this id.
    fn unsubscribe(&self, id: &str) -> bool;
}

/// A subscription whose method has run.
pub(crate) struct StartedSubscription {
    /// The name of the method, with its namespace.
    pub(crate) method: &'static str,
    pub(crate) access: Access,
    pub(crate) names: SubscriptionNames,
    pub(crate) items: JsonItems,
    pub(crate) state_end: StateEnd,
    pub(crate) counters: Arc<ItemCounters>,
}

/// A future that completes when a state has ended: because the service stops, or has lost it.
#[derive(Clone, Debug)]
pub(crate) struct StateEnd {
    has_come: Arc<AtomicBool>,
    end: Shared<oneshot::Receiver<()>>,
}

/// Ends a state when it is dropped.
#[derive(Debug)]
pub(crate) struct StateEndGuard {
    has_come: Arc<AtomicBool>,
    _sender: oneshot::Sender<()>,
}

impl StateEnd {
    /// Returns the end of a state, which comes when the guard is dropped.
    pub(crate) fn new() -> (StateEndGuard, Self) {
        let (sender, end) = oneshot::channel();
        let has_come = Arc::new(AtomicBool::new(false));
        (StateEndGuard { has_come: Arc::clone(&has_come), _sender: sender }, Self { has_come, end: end.shared() })
    }

    /// Returns the end of a state that has ended.
    pub(crate) fn come() -> Self {
        Self::new().1
    }

    /// Whether it has come. True before anybody is woken for it.
    pub(crate) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Acquire)
    }
}

impl Drop for StateEndGuard {
    fn drop(&mut self) {
        self.has_come.store(true, Ordering::Release);
    }
}

impl Future for StateEnd {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The sender is dropped, and nothing sent.
        self.end.poll_unpin(cx).map(|_| ())
    }
}
