//! Sources that change the items of another one.

use std::task::{Context, Poll, ready};
use std::vec;

use crate::rpc_error::RpcError;

use super::Lag;
use super::source::{Cursor, ItemSource, Resumed, Shared, SourceEvent, SourceItem};

/// First these items, then those of the source.
pub(super) struct StartingWith<T> {
    first: vec::IntoIter<T>,
    source: Box<dyn ItemSource<T>>,
}

impl<T> StartingWith<T> {
    pub(super) fn new(first: Vec<T>, source: Box<dyn ItemSource<T>>) -> Self {
        Self { first: first.into_iter(), source }
    }
}

impl<T: Send> ItemSource<T> for StartingWith<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        match self.first.next() {
            Some(value) => {
                // The last one has the position of the source, so that a client that has got them
                // can continue from there. One that has not got all of them must begin again.
                let cursor = self.source.cursor().filter(|_| self.first.len() == 0);
                let item = SourceItem { value: Shared::new(value), lag: None, cursor, waits: false };
                Poll::Ready(Some(SourceEvent::Item(item)))
            }
            None => self.source.poll_next(cx),
        }
    }

    fn cursor(&self) -> Option<Cursor> {
        self.source.cursor()
    }

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        let resumed = self.source.resume(after)?;
        if resumed == Resumed::There {
            self.first = Vec::new().into_iter();
        }
        Ok(resumed)
    }
}

/// Those items of the source that pass.
pub(super) struct Filtered<T, F> {
    source: Box<dyn ItemSource<T>>,
    passes: F,
    /// What was missed since the last item that passed.
    lag: Option<Lag>,
}

impl<T, F> Filtered<T, F> {
    pub(super) fn new(source: Box<dyn ItemSource<T>>, passes: F) -> Self {
        Self { source, passes, lag: None }
    }
}

/// Number of items that one poll leaves out before it lets others run.
const SKIPPED_AT_ONCE: usize = 256;

impl<T, F: FnMut(&T) -> bool + Send> ItemSource<T> for Filtered<T, F> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<T>>> {
        for _ in 0..SKIPPED_AT_ONCE {
            let event = ready!(self.source.poll_next(cx));
            let Some(SourceEvent::Item(mut item)) = event else { return Poll::Ready(event) };
            let lag = Lag::sum(self.lag.take(), item.lag);
            if (self.passes)(&item.value) {
                item.lag = lag;
                return Poll::Ready(Some(SourceEvent::Item(item)));
            }
            self.lag = lag;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn cursor(&self) -> Option<Cursor> {
        // What was missed up to there has not been reported.
        self.source.cursor().filter(|_| self.lag.is_none())
    }

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        self.source.resume(after)
    }
}

/// Other items, made of those of the source.
pub(super) struct Mapped<T, F> {
    source: Box<dyn ItemSource<T>>,
    change: F,
}

impl<T, F> Mapped<T, F> {
    pub(super) fn new(source: Box<dyn ItemSource<T>>, change: F) -> Self {
        Self { source, change }
    }
}

impl<T, U, F: FnMut(&T) -> U + Send> ItemSource<U> for Mapped<T, F> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<SourceEvent<U>>> {
        self.source.poll_next(cx).map(|event| {
            event.map(|event| match event {
                SourceEvent::Item(SourceItem { value, lag, cursor, waits }) => {
                    SourceEvent::Item(SourceItem { value: Shared::new((self.change)(&value)), lag, cursor, waits })
                }
                SourceEvent::Failed(error) => SourceEvent::Failed(error),
                SourceEvent::Lost(error) => SourceEvent::Lost(error),
            })
        })
    }

    fn cursor(&self) -> Option<Cursor> {
        self.source.cursor()
    }

    fn resume(&mut self, after: &str) -> Result<Resumed, RpcError> {
        self.source.resume(after)
    }
}
