//! A subscriber: a position in the ring of a topic.

use std::mem;
use std::task::{Context, Poll};

use callbox_client::Lag;

use crate::jsonrpc::RpcError;
use crate::service::{Cursor, ItemSource, Resumed, SourceEvent, SourceItem};
use crate::sync::Arc;

use super::ring::{End, Found, Ring, SubscriberId, Wakes};
use super::thread_wakes::{self, WaitPlace};

/// The items of a topic from a position on.
pub(super) struct TopicSource<T> {
    ring: Arc<Ring<T>>,
    id: SubscriberId,
    /// Number of the next item.
    at: u64,
    waits: Waits,
}

/// Where the subscriber may be registered as waiting.
enum Waits {
    Nowhere,
    /// With the others of its thread.
    WithThread(WaitPlace),
    /// By itself, from now on.
    Alone,
}

impl<T> TopicSource<T> {
    /// Creates a subscriber of the items from now on.
    pub(super) fn new(ring: Arc<Ring<T>>) -> Self {
        let at = ring.published() + 1;
        Self { ring, id: SubscriberId::fresh(), at, waits: Waits::Nowhere }
    }

    fn find(&mut self, cx: &Context<'_>) -> Found<T> {
        let Self { ring, id, waits, .. } = self;
        ring.find(self.at, || {
            let place = match mem::replace(waits, Waits::Alone) {
                Waits::Nowhere => thread_wakes::wait(ring.epoch, *id, None, cx.waker()),
                Waits::WithThread(before) => thread_wakes::wait(ring.epoch, *id, Some(before), cx.waker()),
                Waits::Alone => None,
            };
            let Some(place) = place else { return Wakes::Alone(*id, cx.waker().clone()) };
            let thread = Arc::clone(&place.thread);
            *waits = Waits::WithThread(place);
            Wakes::WithThread(thread)
        })
    }
}

impl<T: Send + Sync> ItemSource<T> for TopicSource<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        match self.find(cx) {
            Found::Item { item, number, missed, waits } => {
                let lag = (missed > 0).then_some(Lag::Items(missed));
                self.at = number + 1;
                let cursor = self.cursor();
                Poll::Ready(Some(SourceEvent::Item(SourceItem { value: item, lag, cursor, waits })))
            }
            Found::End(End::Done) => Poll::Ready(None),
            Found::End(End::Gone) => Poll::Ready(Some(SourceEvent::Failed(RpcError::unavailable()))),
            Found::Nothing => Poll::Pending,
        }
    }

    fn cursor(&self) -> Option<Cursor> {
        Some(Cursor { epoch: self.ring.epoch, number: self.at - 1 })
    }

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        let cursor: Option<Cursor> = after.parse().ok();
        match cursor.filter(|cursor| cursor.epoch == self.ring.epoch && cursor.number < self.at) {
            Some(cursor) => {
                self.at = cursor.number + 1;
                Ok(Resumed::There)
            }
            // Of another topic, perhaps one of the same service before it was restarted.
            None => Ok(Resumed::Anew),
        }
    }
}

impl<T> Drop for TopicSource<T> {
    fn drop(&mut self) {
        match &self.waits {
            Waits::Nowhere => {}
            // If it has waited on another thread, that one forgets it with the next item.
            Waits::WithThread(place) => thread_wakes::forget(self.ring.epoch, self.id, place),
            Waits::Alone => self.ring.forget(self.id),
        }
    }
}
