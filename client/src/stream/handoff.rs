//! From the call that starts a subscription to its subscriber, for a transport that gets the items
//! with the response to the call.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::client_error::ClientError;

use super::call_streams::CallStreams;
use super::feed::{Feed, FeedEnd, FeedEvent, FeedStart, JsonFeed};
use super::position::Position;

/// Where the call leaves the items for the subscriber.
pub(crate) struct Handoff {
    pub(crate) subscription: Arc<OpenSubscription>,
    items: Mutex<Option<BoxStream<'static, FeedEvent>>>,
}

/// How to start a subscription again, and how far it has got.
#[derive(Debug)]
pub(crate) struct OpenSubscription {
    pub(crate) start: FeedStart,
    position: Mutex<Position>,
}

impl OpenSubscription {
    /// Reads or changes the position.
    pub(crate) fn with_position<T>(&self, with: impl FnOnce(&mut Position) -> T) -> T {
        with(&mut self.position.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Handoff {
    /// Returns both sides: for the subscriber, and for the call.
    pub(crate) fn open(start: FeedStart) -> (Feed, CallStreams) {
        let subscription = Arc::new(OpenSubscription { start, position: Mutex::default() });
        let handoff = Arc::new(Self { subscription, items: Mutex::default() });
        let feed = Feed::new(HandedFeed { handoff: Arc::clone(&handoff), items: None });
        (feed, CallStreams { items: Some(handoff), progress: None })
    }

    /// Leaves the items, and drops those that a previous attempt of the call has left.
    pub(crate) fn put(&self, items: BoxStream<'static, FeedEvent>) {
        let _replaced = self.items.lock().unwrap_or_else(PoisonError::into_inner).replace(items);
    }

    fn take(&self) -> Option<BoxStream<'static, FeedEvent>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Handoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handoff").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// The items that were left for the subscriber.
struct HandedFeed {
    handoff: Arc<Handoff>,
    items: Option<BoxStream<'static, FeedEvent>>,
}

impl JsonFeed for HandedFeed {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<FeedEvent> {
        if self.items.is_none() {
            self.items = self.handoff.take();
        }
        let next = match &mut self.items {
            Some(items) => ready!(items.poll_next_unpin(cx)),
            None => None,
        };
        let over = || FeedEvent::End(FeedEnd::Failed(ClientError::bad_response("the subscription has no items")));
        Poll::Ready(next.unwrap_or_else(over))
    }

    fn is_started(&self) -> Option<bool> {
        let is_left = self.handoff.items.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        Some(is_left || self.items.is_some())
    }
}
