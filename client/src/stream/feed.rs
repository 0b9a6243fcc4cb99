//! Where the items of a subscription arrive, whatever the transport.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client_error::{Cause, ClientError};
use crate::rpc_error::RpcError;
use crate::subscription::{
    Cursor, ItemSource, Lag, Resumed, Shared, SourceEvent, SourceItem, Subscription, SubscriptionNames,
};

/// What a transport needs to start a subscription again after it has lost the connection.
#[derive(Debug)]
pub(crate) struct FeedStart {
    /// The id of the call that starts it.
    pub(crate) call: u64,
    pub(crate) method: String,
    pub(crate) params: Option<Box<RawValue>>,
    pub(crate) names: SubscriptionNames,
    /// Maximum time for each attempt to start it again.
    pub(crate) deadline: Duration,
    /// Whether the method is known to be a subscription. If not, the call may be any other one, and
    /// is never repeated.
    pub(crate) is_subscription: bool,
}

/// The end of a subscription at which its items arrive. Dropping it ends the subscription.
pub struct Feed(Box<dyn JsonFeed>);

/// The items of one subscription as they were sent. Each transport has its own.
pub(crate) trait JsonFeed: Send {
    /// Returns what has arrived. It is not called again after the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<FeedEvent>;

    /// Notes that a subscriber takes the items from now on: so the method is a subscription.
    fn take(&mut self) {}

    /// Drops this without a word to the server: the call was a plain one.
    fn forget(self: Box<Self>) {}

    /// Whether the response to the call has said that it starts a subscription; `None` if responses
    /// do not say. Default: they do not.
    fn is_started(&self) -> Option<bool> {
        None
    }
}

/// What a subscriber gets next.
#[derive(Debug)]
pub(crate) enum FeedEvent {
    Item(FeedItem),
    End(FeedEnd),
}

impl FeedEvent {
    /// Returns the end of a subscription whose server has sent what cannot be read.
    #[cfg(any(feature = "http", feature = "nats"))]
    pub(crate) fn malformed(cause: Cause) -> Self {
        Self::End(FeedEnd::Failed(ClientError::BadResponse(cause)))
    }
}

/// An item as it was sent.
#[derive(Debug)]
pub(crate) struct FeedItem {
    pub(crate) json: Box<RawValue>,
    pub(crate) lag: Option<Lag>,
    pub(crate) cursor: Option<String>,
}

/// Why no further items arrive.
#[derive(Clone, Debug)]
pub(crate) enum FeedEnd {
    Done,
    Failed(ClientError),
}

impl Feed {
    pub(crate) fn new(feed: impl JsonFeed + 'static) -> Self {
        Self(Box::new(feed))
    }

    /// Returns the subscription whose items arrive here.
    pub(crate) fn into_subscription<T: DeserializeOwned + Send + 'static>(mut self) -> Subscription<T> {
        self.0.take();
        Subscription::from_source(FeedSource { feed: self.0, cursor: None, item: PhantomData })
    }

    /// Whether the response to the call has said that it starts a subscription; `None` if responses
    /// do not say.
    pub(crate) fn is_started(&self) -> Option<bool> {
        self.0.is_started()
    }

    /// Drops this without a word to the server: the call was a plain one.
    pub(crate) fn forget(self) {
        self.0.forget();
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("is_started", &self.0.is_started()).finish_non_exhaustive()
    }
}

/// The items of a feed, as values of their type.
struct FeedSource<T> {
    feed: Box<dyn JsonFeed>,
    /// The position of the last item.
    cursor: Option<Cursor>,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send> ItemSource<T> for FeedSource<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        self.feed.poll_next(cx).map(|event| match event {
            FeedEvent::Item(item) => {
                let event = event_of(&item);
                if let SourceEvent::Item(SourceItem { cursor: Some(cursor), .. }) = &event {
                    self.cursor = Some(*cursor);
                }
                Some(event)
            }
            FeedEvent::End(FeedEnd::Done) => None,
            FeedEvent::End(FeedEnd::Failed(error)) => Some(SourceEvent::Lost(error)),
        })
    }

    fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// A service that passes the items on has no ring of them, and its subscription to them began
    /// just now: nobody knows what was missed.
    fn resume(&mut self, _: &str) -> Result<Resumed, RpcError> {
        Ok(Resumed::Anew)
    }
}

fn event_of<T: DeserializeOwned>(item: &FeedItem) -> SourceEvent<T> {
    match serde_json::from_str(item.json.get()) {
        Ok(value) => {
            let cursor = item.cursor.as_deref().and_then(|cursor| cursor.parse().ok());
            SourceEvent::Item(SourceItem { value: Shared::new(value), lag: item.lag, cursor, waits: false })
        }
        Err(error) => {
            SourceEvent::Lost(ClientError::bad_response(format!("an item is not of the expected type: {error}")))
        }
    }
}
