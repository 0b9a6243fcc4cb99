//! One subscription of a client: the items that have arrived, until its subscriber takes them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::UnboundedSender;

use crate::stream::{Feed, FeedEnd, FeedEvent, FeedItem, FeedStart, JsonFeed, Notice, Position};
use crate::subscription::Lag;

use super::socket::Control;

/// Maximum number of items that wait for their subscriber. Then the oldest is left out, since
/// neither other subscriptions nor calls may wait for one slow subscriber. A topic of callbox keeps
/// as many, and sends them all at once to a client that was cut off.
const CAPACITY: usize = 1024;

/// Size of these items from which on the oldest are left out as well, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The same, as long as the caller does not know whether the call is a subscription at all: it asks
/// the server first, while items arrive.
const UNDECIDED_CAPACITY: usize = 64 * 1024;

/// What the background task and the subscriber share of a subscription.
#[derive(Debug)]
pub(super) struct FeedBuffer {
    pub(super) start: FeedStart,
    state: Mutex<BufferState>,
}

#[derive(Debug, Default)]
struct BufferState {
    items: VecDeque<FeedItem>,
    /// Size of the items, in bytes.
    bytes: usize,
    position: Position,
    end: Option<FeedEnd>,
    /// Whether somebody takes the items, so that the method is a subscription.
    is_taken: bool,
    waker: Option<Waker>,
}

impl FeedBuffer {
    pub(super) fn new(start: FeedStart) -> Self {
        Self { start, state: Mutex::default() }
    }

    /// Takes a message of the subscription. Returns whether it was the last one.
    pub(super) fn receive(&self, notice: Notice<'_>) -> bool {
        self.change(|state| {
            let (item, end) = state.position.receive(notice);
            if let Some(item) = item {
                let is_decided = self.start.is_subscription || state.is_taken;
                state.push(item, if is_decided { CAPACITY } else { UNDECIDED_CAPACITY });
            }
            let is_last = end.is_some();
            if is_last {
                state.end = end;
            }
            is_last
        })
    }

    /// Returns the position to continue from, if there is one.
    #[cfg(test)]
    pub(super) fn cursor(&self) -> Option<String> {
        self.change(|state| state.position.cursor().map(str::to_owned))
    }

    /// Returns the call that starts the subscription again, as a body.
    pub(super) fn restart(&self) -> Option<Vec<u8>> {
        self.change(|state| state.position.restart(&self.start))
    }

    /// Whether this is a subscription for certain, which may be started again.
    pub(super) fn is_subscription(&self) -> bool {
        self.start.is_subscription || self.change(|state| state.is_taken)
    }

    /// Ends the subscription, after the items that have arrived.
    pub(super) fn end(&self, end: FeedEnd) {
        self.change(|state| state.end = Some(end));
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<FeedEvent> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = state.pop() {
            return Poll::Ready(FeedEvent::Item(item));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(FeedEvent::End(end.clone()));
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

impl BufferState {
    /// Adds an item. As long as there is no room, the oldest item is left out and counted.
    fn push(&mut self, item: FeedItem, capacity: usize) {
        self.bytes += item.json.get().len();
        self.items.push_back(item);
        while (self.items.len() > capacity || self.bytes > MAX_BYTES && self.items.len() > 1)
            && let Some(left_out) = self.pop()
            && let Some(next) = self.items.front_mut()
        {
            let missed = Lag::sum(left_out.lag, Some(Lag::Items(1)));
            next.lag = Lag::sum(missed, next.lag);
        }
    }

    fn pop(&mut self) -> Option<FeedItem> {
        let item = self.items.pop_front()?;
        self.bytes -= item.json.get().len();
        Some(item)
    }
}

/// The items of a subscription over a WebSocket. Dropping it ends the subscription.
struct SocketFeed {
    buffer: Arc<FeedBuffer>,
    controls: UnboundedSender<Control>,
}

/// Opens a subscription, before its call is sent.
pub(super) fn open(start: FeedStart, controls: UnboundedSender<Control>) -> Feed {
    let buffer = Arc::new(FeedBuffer::new(start));
    // If the task is gone, the call that starts the subscription fails.
    let _ = controls.send(Control::Open(Arc::clone(&buffer)));
    Feed::new(SocketFeed { buffer, controls })
}

impl JsonFeed for SocketFeed {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<FeedEvent> {
        self.buffer.poll_take(cx)
    }

    fn take(&mut self) {
        self.buffer.change(|state| state.is_taken = true);
    }

    fn forget(self: Box<Self>) {
        // The drop that follows finds nothing to end.
        let _ = self.controls.send(Control::Forget { call: self.buffer.start.call });
    }
}

impl Drop for SocketFeed {
    fn drop(&mut self) {
        let _ = self.controls.send(Control::Close { call: self.buffer.start.call });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stream::Frame;
    use crate::subscription::SubscriptionNames;

    fn buffer() -> FeedBuffer {
        buffer_of(true)
    }

    fn buffer_of(is_subscription: bool) -> FeedBuffer {
        let (names, deadline) = (SubscriptionNames::DEFAULT, Duration::from_secs(1));
        let method = "prices".to_owned();
        FeedBuffer::new(FeedStart { call: 1, method, params: None, names, deadline, is_subscription })
    }

    fn receive(buffer: &FeedBuffer, members: &str) -> bool {
        let text = format!(r#"{{"method":"prices","params":{{"subscription":"s1",{members}}}}}"#);
        let Ok(Frame::Notice(notice)) = Frame::parse(&text) else { panic!("{text}") };
        buffer.receive(notice)
    }

    fn item(buffer: &FeedBuffer, number: usize) {
        assert!(!receive(buffer, &format!(r#""result":{number},"cursor":"1-{number}""#)));
    }

    fn take(buffer: &FeedBuffer) -> Option<(String, Option<Lag>)> {
        match buffer.poll_take(&Context::from_waker(Waker::noop())) {
            Poll::Ready(FeedEvent::Item(item)) => Some((item.json.get().to_owned(), item.lag)),
            Poll::Ready(FeedEvent::End(_)) | Poll::Pending => None,
        }
    }

    #[test]
    fn a_full_buffer_leaves_out_the_oldest_items_and_counts_them() {
        let buffer = buffer();
        (0..CAPACITY + 10).for_each(|number| item(&buffer, number));
        assert_eq!(take(&buffer), Some(("10".to_owned(), Some(Lag::Items(10)))));
        assert_eq!(take(&buffer), Some(("11".to_owned(), None)));
        assert_eq!(buffer.cursor().as_deref(), Some("1-1033"), "it continues after what has arrived");
    }

    #[test]
    fn a_buffer_of_large_items_leaves_out_the_oldest_as_well_but_keeps_one() {
        let buffer = buffer();
        let large = "x".repeat(MAX_BYTES / 2);
        for number in 0..3 {
            receive(&buffer, &format!(r#""result":"{large}{number}""#));
        }
        let (last, lag) = take(&buffer).unwrap();
        assert!(last.ends_with("2\"") && lag == Some(Lag::Items(2)), "{lag:?}");
        receive(&buffer, &format!(r#""result":"{large}{large}{large}""#));
        assert!(take(&buffer).is_some() && take(&buffer).is_none());
        item(&buffer, 7);
        assert_eq!(take(&buffer), Some(("7".to_owned(), None)));
    }

    #[test]
    fn items_are_kept_until_it_is_known_that_it_is_a_subscription() {
        let buffer = buffer_of(false);
        (0..2 * CAPACITY).for_each(|number| item(&buffer, number));
        assert_eq!(take(&buffer), Some(("0".to_owned(), None)));
        (0..UNDECIDED_CAPACITY).for_each(|number| item(&buffer, number));
        assert!(take(&buffer).unwrap().1.is_some(), "but not without end");
    }

    #[test]
    fn what_the_server_has_left_out_is_added() {
        let buffer = buffer();
        receive(&buffer, r#""result":0,"lagged":5"#);
        receive(&buffer, r#""result":1,"lagged":7"#);
        (2..CAPACITY + 1).for_each(|number| item(&buffer, number));
        assert_eq!(take(&buffer), Some(("1".to_owned(), Some(Lag::Items(13)))));
    }

    #[test]
    fn a_full_buffer_does_not_hide_that_a_loss_of_unknown_size_came_first() {
        let buffer = buffer();
        assert!(buffer.restart().is_some(), "without a position");
        (0..CAPACITY + 1).for_each(|number| item(&buffer, number));
        assert_eq!(take(&buffer), Some(("1".to_owned(), Some(Lag::Unknown))));
        assert_eq!(take(&buffer), Some(("2".to_owned(), None)));
    }

    #[test]
    fn the_end_comes_after_the_items() {
        let buffer = buffer();
        item(&buffer, 0);
        assert!(receive(&buffer, r#""done":true"#));
        assert!(take(&buffer).is_some());
        let next = buffer.poll_take(&Context::from_waker(Waker::noop()));
        assert!(matches!(next, Poll::Ready(FeedEvent::End(FeedEnd::Done))));
    }
}
