//! The items of a subscription as JSON, for a transport that does not know their type.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll, ready};

use serde::Serialize;

use crate::rpc_error::RpcError;

use super::source::{Cursor, ItemSource, Resumed, SourceEvent};
use super::{Lag, Subscription};

/// The items of a [`Subscription`] of any type, which a transport sends.
///
/// Made by `From`, in [`Message::into_items`](crate::Message::into_items) of a message by hand:
///
/// ```
/// use callbox::{JsonItems, Subscription};
///
/// fn into_items(output: Subscription<f64>) -> Option<JsonItems> {
///     Some(output.into())
/// }
/// ```
pub struct JsonItems {
    items: Box<dyn ErasedItems>,
    /// What was missed before the first item.
    lag: Option<Lag>,
}

/// What comes next, once it is known.
#[derive(Debug)]
pub enum NextItem {
    /// An item, whose JSON was appended to the buffer.
    Item {
        /// What was missed before it.
        lag: Option<Lag>,
        /// Its position.
        cursor: Option<Cursor>,
        /// Whether there is no further one yet, and the task is woken when there is: the items need
        /// not be polled before.
        waits: bool,
    },
    /// The end, with an error.
    Failed(RpcError),
    /// The end.
    Done,
}

/// Items whose type is not known.
pub(super) trait ErasedItems: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<NextItem>;

    fn cursor(&self) -> Option<Cursor>;

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError>;
}

/// The source of a subscription, which can become one of items whose type is not known. It is moved
/// out of its box for that, so that no item goes through one box more.
pub(super) trait Source<T>: ItemSource<T> {
    /// `ended` says whether the last item was returned.
    fn erase(self: Box<Self>, ended: bool) -> Box<dyn ErasedItems>
    where
        T: Serialize + 'static;
}

impl<T, S: ItemSource<T> + 'static> Source<T> for S {
    fn erase(self: Box<Self>, ended: bool) -> Box<dyn ErasedItems>
    where
        T: Serialize + 'static,
    {
        Box::new(Erased { source: *self, ended, of: PhantomData })
    }
}

/// The items of a source as JSON.
struct Erased<T, S> {
    source: S,
    ended: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + 'static, S: ItemSource<T>> ErasedItems for Erased<T, S> {
    fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<NextItem> {
        if self.ended {
            return Poll::Ready(NextItem::Done);
        }
        let event = ready!(self.source.poll_next(cx));
        self.ended = !matches!(event, Some(SourceEvent::Item(_)));
        let Some(event) = event else { return Poll::Ready(NextItem::Done) };
        Poll::Ready(match event {
            SourceEvent::Item(item) => match item.value.json() {
                Ok(json) => {
                    out.extend_from_slice(json);
                    NextItem::Item { lag: item.lag, cursor: item.cursor, waits: item.waits }
                }
                Err(reason) => {
                    NextItem::Failed(RpcError::internal(&format_args!("an item cannot be written as JSON: {reason}")))
                }
            },
            SourceEvent::Failed(error) => NextItem::Failed(error),
            SourceEvent::Lost(error) => NextItem::Failed(error.into()),
        })
    }

    fn cursor(&self) -> Option<Cursor> {
        self.source.cursor()
    }

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        self.source.resume(after)
    }
}

impl JsonItems {
    #[doc(hidden)]
    pub fn poll_next(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<NextItem> {
        let mut next = ready!(self.items.poll_next(cx, out));
        if let NextItem::Item { lag, .. } = &mut next {
            *lag = Lag::sum(self.lag.take(), *lag);
        }
        Poll::Ready(next)
    }

    /// Returns the position, unless something was missed up to it that the next item reports: who
    /// continues there would never hear of it.
    #[doc(hidden)]
    pub fn cursor(&self) -> Option<Cursor> {
        self.items.cursor().filter(|_| self.lag.is_none())
    }

    /// Continues after this position. If it is not one of the topic, the items begin anew, and the
    /// first one says that it is not known what was missed.
    #[doc(hidden)]
    pub fn resume(&mut self, after: &str) -> Result<(), RpcError> {
        if self.items.resume(after)? == Resumed::Anew {
            self.lag = Some(Lag::Unknown);
        }
        Ok(())
    }
}

impl<T: Serialize + Send + 'static> From<Subscription<T>> for JsonItems {
    fn from(subscription: Subscription<T>) -> Self {
        Self { items: subscription.source.erase(subscription.ended), lag: None }
    }
}

impl fmt::Debug for JsonItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonItems").field("cursor", &self.cursor()).finish_non_exhaustive()
    }
}
