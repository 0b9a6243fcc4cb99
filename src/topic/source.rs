//! A subscriber: a position in the ring of a topic.

use std::task::{Context, Poll};

use callbox_client::Lag;

use crate::jsonrpc::RpcError;
use crate::service::{Cursor, ItemSource, Resumed, SourceEvent, SourceItem};
use crate::sync::Arc;

use super::ring::{End, Found, Ring, SubscriberId, Wakes};
use super::thread_wakes;

/// The items of a topic from a position on.
pub(super) struct TopicSource<T> {
    ring: Arc<Ring<T>>,
    id: SubscriberId,
    /// Number of the next item.
    at: u64,
    waits: Option<Waits>,
}

/// Where the subscriber may be registered as waiting.
#[derive(Clone, Copy, PartialEq)]
enum Waits {
    /// In this place.
    WithThread(usize),
    Alone,
}

impl<T> TopicSource<T> {
    /// Creates a subscriber of the items from now on.
    pub(super) fn new(ring: Arc<Ring<T>>) -> Self {
        let at = ring.published() + 1;
        Self { ring, id: SubscriberId::fresh(), at, waits: None }
    }

    fn find(&mut self, cx: &Context<'_>) -> Found<T> {
        let Self { ring, id, waits, .. } = self;
        ring.find(self.at, || {
            let before = if let Some(Waits::WithThread(place)) = waits { Some(*place) } else { None };
            match thread_wakes::wait(ring.epoch, *id, before, cx.waker()) {
                Some((thread, place)) => {
                    *waits = Some(Waits::WithThread(place));
                    Wakes::WithThread(thread)
                }
                None => {
                    *waits = Some(Waits::Alone);
                    Wakes::Alone(*id, cx.waker().clone())
                }
            }
        })
    }

    fn stop_waiting(&mut self) {
        match self.waits.take() {
            Some(Waits::Alone) => self.ring.forget(self.id),
            // Another thread forgets it with the next item.
            Some(Waits::WithThread(place)) => thread_wakes::forget(self.ring.epoch, self.id, place),
            None => {}
        }
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
        self.stop_waiting();
    }
}
