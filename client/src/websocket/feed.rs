//! One subscription of a client: the items that have arrived, until its subscriber takes them.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::client_error::ClientError;
use crate::subscribe::FeedStart;
use crate::subscription::{Cursor, ItemSource, Lag, Shared, SourceEvent, SourceItem, Subscription};

use super::socket::Control;

/// Maximum number of items that wait for their subscriber. Then the oldest is left out, since
/// neither other subscriptions nor calls may wait for one slow subscriber. A topic of callbox keeps
/// as many, and sends them all at once to a client that was cut off.
const CAPACITY: usize = 1024;

/// The same, as long as the caller does not know whether the call is a subscription at all: it asks
/// the server first, while items arrive.
const UNDECIDED_CAPACITY: usize = 64 * 1024;

/// The end of a subscription at which its items arrive. Dropping it ends the subscription.
pub struct Feed {
    buffer: Arc<FeedBuffer>,
    controls: UnboundedSender<Control>,
}

/// What the background task and the subscriber share of a subscription.
#[derive(Debug)]
pub(super) struct FeedBuffer {
    pub(super) start: FeedStart,
    state: Mutex<BufferState>,
}

#[derive(Debug, Default)]
struct BufferState {
    items: VecDeque<FeedItem>,
    /// What was missed before the next item that arrives.
    lag: Option<Lag>,
    /// The position of the last item that has arrived, or a later one.
    cursor: Option<String>,
    end: Option<FeedEnd>,
    /// Whether somebody takes the items, so that the method is a subscription.
    is_taken: bool,
    waker: Option<Waker>,
}

/// An item as it was sent.
#[derive(Debug)]
pub(super) struct FeedItem {
    pub(super) json: Box<RawValue>,
    pub(super) lag: Option<Lag>,
    pub(super) cursor: Option<String>,
}

/// Why no further items arrive.
#[derive(Clone, Debug)]
pub(super) enum FeedEnd {
    Done,
    Failed(ClientError),
}

/// What a subscriber gets next.
enum Taken {
    Item(FeedItem),
    End(FeedEnd),
}

impl FeedBuffer {
    pub(super) fn new(start: FeedStart) -> Self {
        Self { start, state: Mutex::default() }
    }

    /// Adds an item. If there is no room, the oldest item is left out and counted.
    pub(super) fn push(&self, mut item: FeedItem) {
        self.change(|state| {
            let is_decided = self.start.is_subscription || state.is_taken;
            let capacity = if is_decided { CAPACITY } else { UNDECIDED_CAPACITY };
            item.lag = Lag::sum(state.lag.take(), item.lag);
            if let Some(cursor) = &item.cursor {
                state.cursor = Some(cursor.clone());
            }
            state.items.push_back(item);
            if state.items.len() > capacity
                && let Some(left_out) = state.items.pop_front()
                && let Some(next) = state.items.front_mut()
            {
                let missed = Lag::sum(left_out.lag, Some(Lag::Items(1)));
                next.lag = Lag::sum(missed, next.lag);
            }
        });
    }

    /// Notes a position without an item.
    pub(super) fn set_cursor(&self, cursor: String) {
        self.change(|state| state.cursor = Some(cursor));
    }

    /// Returns the position to continue from, if there is one.
    pub(super) fn cursor(&self) -> Option<String> {
        self.change(|state| state.cursor.clone())
    }

    /// Notes that nobody knows what is missed before the next item.
    pub(super) fn set_lag_unknown(&self) {
        self.change(|state| state.lag = Some(Lag::Unknown));
    }

    /// Whether this is a subscription for certain, which may be started again.
    pub(super) fn is_subscription(&self) -> bool {
        self.start.is_subscription || self.change(|state| state.is_taken)
    }

    /// Ends the subscription, after the items that have arrived.
    pub(super) fn end(&self, end: FeedEnd) {
        self.change(|state| state.end = Some(end));
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Taken> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Taken::Item(item));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Taken::End(end.clone()));
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Changes the state, and wakes the subscriber if there is something for it.
    fn change<T>(&self, change: impl FnOnce(&mut BufferState) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state);
        let waker = if state.items.is_empty() && state.end.is_none() { None } else { state.waker.take() };
        // The subscriber may be polled at once, on this thread even, and lock the state.
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        changed
    }
}

impl Feed {
    pub(super) fn new(start: FeedStart, controls: UnboundedSender<Control>) -> Self {
        let buffer = Arc::new(FeedBuffer::new(start));
        let feed = Self { buffer, controls };
        // If the task is gone, the call that starts the subscription fails.
        let _ = feed.controls.send(Control::Open(Arc::clone(&feed.buffer)));
        feed
    }

    /// Drops this without a word to the server: the call was a plain one.
    pub(crate) fn forget(self) {
        // The drop that follows finds nothing to end.
        let _ = self.controls.send(Control::Forget { call: self.buffer.start.call });
    }

    /// Returns the subscription whose items arrive here.
    pub(crate) fn into_subscription<T: DeserializeOwned + Send + 'static>(self) -> Subscription<T> {
        self.buffer.change(|state| state.is_taken = true);
        Subscription::from_source(FeedSource { feed: self, item: PhantomData })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.controls.send(Control::Close { call: self.buffer.start.call });
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("method", &self.buffer.start.method).finish_non_exhaustive()
    }
}

/// The items of a feed, as values of their type.
struct FeedSource<T> {
    feed: Feed,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send> ItemSource<T> for FeedSource<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        self.feed.buffer.poll_take(cx).map(|taken| match taken {
            Taken::Item(item) => Some(event_of(&item)),
            Taken::End(FeedEnd::Done) => None,
            Taken::End(FeedEnd::Failed(error)) => Some(SourceEvent::Lost(error)),
        })
    }

    fn cursor(&self) -> Option<Cursor> {
        self.feed.buffer.cursor()?.parse().ok()
    }
}

fn event_of<T: DeserializeOwned>(item: &FeedItem) -> SourceEvent<T> {
    match serde_json::from_str(item.json.get()) {
        Ok(value) => {
            let cursor = item.cursor.as_deref().and_then(|cursor| cursor.parse().ok());
            SourceEvent::Item(SourceItem { value: Shared::new(value), lag: item.lag, cursor })
        }
        Err(error) => {
            SourceEvent::Lost(ClientError::bad_response(format!("an item is not of the expected type: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::subscription::SubscriptionNames;

    fn buffer() -> FeedBuffer {
        buffer_of(true)
    }

    fn buffer_of(is_subscription: bool) -> FeedBuffer {
        let names = SubscriptionNames::DEFAULT;
        FeedBuffer::new(FeedStart { call: 1, method: "prices".to_owned(), params: None, names, is_subscription })
    }

    fn item(number: usize, lag: Option<Lag>) -> FeedItem {
        let json = RawValue::from_string(number.to_string()).unwrap();
        FeedItem { json, lag, cursor: Some(format!("1-{number}")) }
    }

    fn take(buffer: &FeedBuffer) -> Option<(String, Option<Lag>)> {
        match buffer.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Taken::Item(item)) => Some((item.json.get().to_owned(), item.lag)),
            Poll::Ready(Taken::End(_)) | Poll::Pending => None,
        }
    }

    #[test]
    fn a_full_buffer_leaves_out_the_oldest_items_and_counts_them() {
        let buffer = buffer();
        (0..CAPACITY + 10).for_each(|number| buffer.push(item(number, None)));
        assert_eq!(take(&buffer), Some(("10".to_owned(), Some(Lag::Items(10)))));
        assert_eq!(take(&buffer), Some(("11".to_owned(), None)));
        assert_eq!(buffer.cursor().as_deref(), Some("1-1033"), "it continues after what has arrived");
    }

    #[test]
    fn items_are_kept_until_it_is_known_that_it_is_a_subscription() {
        let buffer = buffer_of(false);
        (0..2 * CAPACITY).for_each(|number| buffer.push(item(number, None)));
        assert_eq!(take(&buffer), Some(("0".to_owned(), None)));
        (0..UNDECIDED_CAPACITY).for_each(|number| buffer.push(item(number, None)));
        assert!(take(&buffer).unwrap().1.is_some(), "but not without end");
    }

    #[test]
    fn what_the_server_has_left_out_is_added() {
        let buffer = buffer();
        buffer.push(item(0, Some(Lag::Items(5))));
        buffer.push(item(1, Some(Lag::Items(7))));
        (2..CAPACITY + 1).for_each(|number| buffer.push(item(number, None)));
        assert_eq!(take(&buffer), Some(("1".to_owned(), Some(Lag::Items(13)))));

        buffer.set_lag_unknown();
        while take(&buffer).is_some() {}
        buffer.push(item(9, Some(Lag::Items(2))));
        assert_eq!(take(&buffer), Some(("9".to_owned(), Some(Lag::Unknown))));
    }

    #[test]
    fn the_end_comes_after_the_items() {
        let buffer = buffer();
        buffer.push(item(0, None));
        buffer.end(FeedEnd::Done);
        assert!(take(&buffer).is_some());
        let next = buffer.poll_take(&Context::from_waker(Waker::noop()));
        assert!(matches!(next, Poll::Ready(Taken::End(FeedEnd::Done))));
    }
}
