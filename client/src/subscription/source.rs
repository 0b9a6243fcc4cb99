//! Where the items of a subscription come from.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::Serialize;

use crate::client_error::ClientError;
use crate::representable::write;
use crate::rpc_error::RpcError;

use super::Lag;

/// A source of items. The engine and the transports of clients implement it.
pub trait ItemSource<T>: Send {
    /// Returns the next event. After `None`, and after an event that is no item, it is not called
    /// again.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>>;

    /// Returns the position up to which the source has looked, if the items come from one topic.
    fn cursor(&self) -> Option<Cursor> {
        None
    }

    /// Continues after this position, if it is one of the topic. Called before the first item, if
    /// at all.
    ///
    /// # Errors
    /// -32602 if the items do not come from one topic.
    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        let _ = after;
        Err(super::cannot_resume())
    }
}

/// Where a subscription continues that was to be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// After the position.
    There,
    /// At its beginning, as the position is not one of its topic.
    Anew,
}

/// What happens next in a subscription.
#[derive(Debug)]
pub enum SourceEvent<T> {
    /// The next item.
    Item(SourceItem<T>),
    /// The service has ended the subscription with this error.
    Failed(RpcError),
    /// The client has lost the subscription.
    Lost(ClientError),
}

/// An item, and where it is in its topic.
#[derive(Debug)]
pub struct SourceItem<T> {
    /// The item.
    pub value: Shared<T>,
    /// What was missed before it, if anything.
    pub lag: Option<Lag>,
    /// Its position.
    pub cursor: Option<Cursor>,
    /// Whether there is no further one yet, and the source wakes the task when there is: it need
    /// not be polled before.
    pub waits: bool,
}

impl<T> SourceItem<T> {
    /// Makes an item without a position.
    pub fn new(value: T) -> Self {
        Self { value: Shared::new(value), lag: None, cursor: None, waits: false }
    }
}

/// An item that several subscriptions may share, with its JSON once somebody has written it.
pub struct Shared<T>(Arc<SharedInner<T>>);

struct SharedInner<T> {
    value: T,
    json: OnceLock<Result<Box<[u8]>, String>>,
}

impl<T> Shared<T> {
    /// Wraps an item.
    pub fn new(value: T) -> Self {
        Self(Arc::new(SharedInner { value, json: OnceLock::new() }))
    }

    /// Returns the item itself: without a copy, if nobody else has it.
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.value.clone(), |own| own.value)
    }

    /// Returns the item as JSON, which is written at most once.
    ///
    /// # Errors
    /// Why it cannot be represented in JSON.
    pub fn json(&self) -> Result<&[u8], &str>
    where
        T: Serialize,
    {
        let json = self.0.json.get_or_init(|| {
            let mut json = Vec::new();
            write(&mut json, &self.0.value).map_err(|error| error.to_string())?;
            Ok(json.into_boxed_slice())
        });
        json.as_ref().map(AsRef::as_ref).map_err(String::as_str)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

/// A position in a topic: which topic, and the number of an item. Opaque to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Identifies the topic, among all that ever were.
    pub epoch: u64,
    /// The number of the item.
    pub number: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.number)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.split_once('-').ok_or(())?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(drop)?;
        Ok(Self { epoch, number: number.parse().map_err(drop)? })
    }
}

/// A stream without positions.
pub(super) struct PlainStream<T>(pub(super) Pin<Box<dyn Stream<Item = T> + Send>>);

impl<T> ItemSource<T> for PlainStream<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        self.0.as_mut().poll_next(cx).map(|item| item.map(|value| SourceEvent::Item(SourceItem::new(value))))
    }
}
