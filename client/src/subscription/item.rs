//! One item, as a client gets it.

use std::fmt;
use std::ops::Deref;

use super::source::{Shared, SourceItem};

/// One item of a [`Subscription`](super::Subscription).
///
/// It dereferences to the value, and says what was missed before it:
///
/// ```
/// use callbox::client::ClientError;
/// use callbox::{Lag, Subscription};
/// use futures::StreamExt;
///
/// async fn print(mut prices: Subscription<f64>) -> Result<(), ClientError> {
///     while let Some(price) = prices.next().await.transpose()? {
///         match price.lag() {
///             None => {}
///             Some(Lag::Items(count)) => println!("missed {count} prices"),
///             Some(Lag::Unknown) => println!("missed some prices"),
///         }
///         println!("{:.2} €", *price);
///     }
///     Ok(())
/// }
/// ```
pub struct Item<T> {
    value: Shared<T>,
    lag: Option<Lag>,
    cursor: Option<String>,
}

/// What a subscription missed, because its client did not take the items fast enough, or was not
/// connected. [`Item::lag`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lag {
    /// So many items of the topic. Those that a filter would have left out are counted, too.
    Items(u64),
    /// Unknown: the topic is another one than before, because the service was restarted.
    Unknown,
}

impl<T> Item<T> {
    pub(super) fn new(item: SourceItem<T>) -> Self {
        Self { value: item.value, lag: item.lag, cursor: item.cursor.map(|cursor| cursor.to_string()) }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        self.value.into_inner()
    }

    /// Returns what was missed just before this item. `None` if nothing was.
    pub fn lag(&self) -> Option<Lag> {
        self.lag
    }

    /// Returns the position of the item in its topic, with which a subscription can be resumed.
    /// `None` if the items do not come from one topic.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

impl<T> Deref for Item<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Item<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("value", &self.value)
            .field("lag", &self.lag)
            .field("cursor", &self.cursor)
            .finish()
    }
}

impl Lag {
    /// Returns what was missed one after the other.
    #[doc(hidden)]
    pub fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(Self::Items(one)), Some(Self::Items(other))) => Some(Self::Items(one.saturating_add(other))),
            (Some(_), Some(_)) => Some(Self::Unknown),
            (one, other) => one.or(other),
        }
    }
}
