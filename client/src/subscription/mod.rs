//! Subscriptions: results that are streams of items.
//!
//! A service returns a [`Subscription`], and a typed client gets one: the same type, whether the
//! items come from the state, within the process, or over the wire. `source` is where its items
//! come from, and `combine` changes them on the way. `json_items` writes them as JSON for a
//! transport, which does not know their type.

mod combine;
mod item;
mod json_items;
mod names;
mod source;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use serde::ser::{Error, Serialize, Serializer};

use crate::client_error::ClientError;
use crate::rpc_error::RpcError;

use combine::{Filtered, Mapped, StartingWith};
use json_items::Source;
use source::PlainStream;

pub use item::{Item, Lag};
pub use json_items::{JsonItems, NextItem};
pub use names::SubscriptionNames;
pub use source::{Cursor, ItemSource, Resumed, Shared, SourceEvent, SourceItem};

/// The result of a subscription: a stream of items.
///
/// A method marked `subscription` returns one. It makes it of any stream by [`new`](Self::new), or
/// of a `Topic` of callbox. A typed client returns the same type, which is a stream of
/// [`Item`]s:
///
/// ```
/// use callbox::{Subscription, Topic, service, testing, Server};
/// use futures::StreamExt;
///
/// #[derive(Default)]
/// struct Market {
///     prices: Topic<f64>,
/// }
///
/// #[service(name = "market")]
/// impl Market {
///     /// Sets the price.
///     #[public_method]
///     fn set(&self, price: f64) {
///         self.prices.publish(price);
///     }
///
///     /// The prices from now on.
///     #[public_method(subscription)]
///     fn prices(&self) -> Subscription<f64> {
///         self.prices.subscribe()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = testing::start(Server::new(Market::default));
/// let market: MarketClient = server.service::<Market>().client();
///
/// let mut prices = market.prices().await?;
/// market.set(9.5).await?;
/// let price = prices.next().await.expect("the subscription goes on")?;
/// assert_eq!(*price, 9.5);
/// # Ok(()) }
/// ```
///
/// Dropping it ends the subscription. If it ends with an error, that is the last item: because the
/// service was stopped or restarted, or because the connection was lost.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription<T> {
    source: Box<dyn Source<T>>,
    /// Whether the last item was returned.
    ended: bool,
}

impl<T: Send + 'static> Subscription<T> {
    /// Makes a subscription with the items of a stream. It ends with the stream.
    ///
    /// Its items have no cursors, so it cannot be resumed.
    ///
    /// ```
    /// use callbox::{Subscription, service};
    /// use futures::stream;
    ///
    /// struct Counter;
    ///
    /// #[service(name = "counter")]
    /// impl Counter {
    ///     /// Counts to a number.
    ///     #[public_method(subscription)]
    ///     fn count(&self, to: u32) -> Subscription<u32> {
    ///         Subscription::new(stream::iter(1..=to))
    ///     }
    /// }
    /// ```
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self::from_source(PlainStream(Box::pin(stream)))
    }

    #[doc(hidden)]
    pub fn from_source(source: impl ItemSource<T> + 'static) -> Self {
        Self { source: Box::new(source), ended: false }
    }

    /// Returns a subscription that begins with these items: `Some` first item, or a list of them.
    /// One that is resumed continues where it was, and does not begin with them again, unless it is
    /// not known where it was.
    ///
    /// In a method that runs on the state they belong to the position of the topic: no item is
    /// missed between the two, and none comes twice.
    ///
    /// ```
    /// use callbox::{Subscription, Topic, service};
    ///
    /// #[derive(Default)]
    /// struct Sensor {
    ///     readings: Topic<f64>,
    ///     last: Option<f64>,
    /// }
    ///
    /// #[service(name = "sensor")]
    /// impl Sensor {
    ///     /// The last reading, and then each new one.
    ///     #[public_method(subscription)]
    ///     fn readings(&self) -> Subscription<f64> {
    ///         self.readings.subscribe().starting_with(self.last)
    ///     }
    /// }
    /// ```
    pub fn starting_with<I: IntoIterator<Item = T>>(self, items: I) -> Self
    where
        I::IntoIter: Send + 'static,
    {
        let first: Vec<_> = items.into_iter().collect();
        if first.is_empty() { self } else { Self::from_source(StartingWith::new(first, self.source)) }
    }

    /// Returns a subscription with those items for which `passes` returns true.
    ///
    /// It is called for each item and each subscriber, on the thread of the connection.
    ///
    /// ```
    /// use callbox::{Subscription, Topic};
    ///
    /// fn alarms(readings: &Topic<f64>, limit: f64) -> Subscription<f64> {
    ///     readings.subscribe().filter(move |reading| *reading > limit)
    /// }
    /// ```
    pub fn filter(self, passes: impl FnMut(&T) -> bool + Send + 'static) -> Self {
        Self::from_source(Filtered::new(self.source, passes))
    }

    /// Returns a subscription with the results of `change`. Each is written as JSON for each
    /// subscriber, while the items of a topic are written once for all.
    ///
    /// ```
    /// use callbox::{Subscription, Topic};
    ///
    /// fn fahrenheit(celsius: &Topic<f64>) -> Subscription<f64> {
    ///     celsius.subscribe().map(|degrees| degrees * 1.8 + 32.0)
    /// }
    /// ```
    pub fn map<U: Send + 'static>(self, change: impl FnMut(&T) -> U + Send + 'static) -> Subscription<U> {
        Subscription::from_source(Mapped::new(self.source, change))
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let event = ready!(self.source.poll_next(cx));
        self.ended = !matches!(event, Some(SourceEvent::Item(_)));
        Poll::Ready(event)
    }
}

impl<T: Send + 'static> Stream for Subscription<T> {
    type Item = Result<Item<T>, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(ready!(self.poll_event(cx)).map(|event| match event {
            SourceEvent::Item(item) => Ok(Item::new(item)),
            SourceEvent::Failed(error) => Err(ClientError::from_server(error)),
            SourceEvent::Lost(error) => Err(error),
        }))
    }
}

// Nothing is pinned within: the source is in a box.
impl<T> Unpin for Subscription<T> {}

/// Never succeeds: a subscription is no value. A transport sends its id in place of it.
impl<T> Serialize for Subscription<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("a subscription cannot be written as a value"))
    }
}

#[cfg(feature = "schemas")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Subscription<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    /// The schema of an item.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The error of resuming a subscription that cannot be.
pub(crate) fn cannot_resume() -> RpcError {
    RpcError::invalid_params(Some("_meta.after"), "this subscription has no cursors, so it cannot be resumed")
}
