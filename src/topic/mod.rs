//! Topics: the items of a service that its subscribers get.
//!
//! A topic keeps the last items in a ring, once for all subscribers. A subscriber is a position in
//! that ring, and takes items when its connection can send them. So a slow subscriber costs no
//! memory, and delays nobody: it misses items instead, and learns how many.
//!
//! `ring` has the items and who waits for the next one, `source` a subscriber, and `thread_wakes`
//! wakes all subscribers of a thread with one wake of that thread.

mod ring;
mod source;
mod thread_wakes;

use std::fmt;

use callbox_client::Subscription;

use crate::sync::Arc;

use ring::Ring;
use source::TopicSource;

pub(crate) use thread_wakes::wake_by_thread;

/// Default number of items that a topic keeps.
const CAPACITY: usize = 1024;

/// The source of subscriptions, as a field of a service's state.
///
/// What a method [publishes](Self::publish), all subscribers get:
///
/// ```
/// use std::collections::HashMap;
/// use callbox::{Subscription, Topic, service};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
/// struct Price { symbol: String, value: f64 }
///
/// #[derive(Default)]
/// struct Market {
///     prices: Topic<Price>,
///     last: HashMap<String, Price>,
/// }
///
/// #[service(name = "market")]
/// impl Market {
///     /// Sets the price of a symbol.
///     #[public_method]
///     fn set(&mut self, symbol: String, value: f64) {
///         let price = Price { symbol: symbol.clone(), value };
///         self.prices.publish(price.clone());
///         self.last.insert(symbol, price);
///     }
///
///     /// The price of one symbol now, and then as it changes.
///     #[public_method(subscription)]
///     fn prices(&self, symbol: String) -> Subscription<Price> {
///         let last = self.last.get(&symbol).cloned();
///         self.prices.subscribe().starting_with(last).filter(move |price| price.symbol == symbol)
///     }
/// }
/// ```
///
/// It keeps the last 1,024 items, or as many as [`with_capacity`](Self::with_capacity) says. A
/// subscriber that falls further behind continues at the oldest of them, and learns how many it
/// has missed. With these items a client that was cut off continues where it was.
///
/// Clones publish to the same subscribers, for a background task for example. When the last clone
/// is dropped, the subscriptions end with -32003: with the state of a service that crashes or
/// stops, for example.
pub struct Topic<T> {
    handle: Arc<Handle<T>>,
}

/// What all clones of a topic share. Dropping it ends the subscriptions.
struct Handle<T> {
    ring: Arc<Ring<T>>,
}

impl<T: Send + Sync + 'static> Topic<T> {
    /// Creates a topic that keeps the last 1,024 items.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// Creates a topic that keeps so many items, at least one.
    ///
    /// ```
    /// use callbox::Topic;
    ///
    /// let lines = Topic::<String>::with_capacity(100);
    /// ```
    pub fn with_capacity(items: usize) -> Self {
        Self { handle: Arc::new(Handle { ring: Arc::new(Ring::new(items.max(1))) }) }
    }

    /// Adds an item, which all subscribers get. Never waits.
    ///
    /// It wakes the threads that serve subscribers, each once, and these take the item later. So it
    /// takes about as long with many subscribers as with few, and may run in a method that should
    /// be short.
    ///
    /// An item counts as published even if nobody has subscribed: it can be resumed from.
    pub fn publish(&self, item: T) {
        self.handle.ring.push(item);
    }

    /// Returns a subscription to the items from now on.
    pub fn subscribe(&self) -> Subscription<T> {
        Subscription::from_source(TopicSource::new(Arc::clone(&self.handle.ring)))
    }

    /// Ends all subscriptions, after the items that were published. Those that begin later end at
    /// once, and what is published later is dropped.
    pub fn close(&self) {
        self.handle.ring.close(ring::End::Done);
    }
}

impl<T: Send + Sync + 'static> Default for Topic<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle) }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.ring.close(ring::End::Gone);
    }
}

impl<T> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("published", &self.handle.ring.published()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
