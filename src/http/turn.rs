//! The turn of a response that may go on for ever, beside other connections of the thread.

use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::yield_now;

/// Number of chunks after which other connections have their turn.
const CHUNKS: u32 = 8;

/// How much a response has sent since other connections of the thread last had their turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    chunks: u32,
}

impl Turn {
    /// Counts a chunk.
    pub(super) fn add_chunk(&mut self) {
        self.chunks = self.chunks.saturating_add(1);
    }

    /// Ends it, as others must have theirs now.
    pub(super) fn end(&mut self) {
        self.chunks = CHUNKS;
    }

    /// Begins anew, as the response waits.
    pub(super) fn restart(&mut self) {
        self.chunks = 0;
    }

    pub(super) fn is_over(&self) -> bool {
        self.chunks >= CHUNKS
    }

    /// Whether it is over after the next chunk at the latest.
    pub(super) fn is_nearly_over(&self) -> bool {
        self.chunks + 1 >= CHUNKS
    }

    /// Goes on once other connections of the thread have had their turn.
    pub(super) fn yield_to_others<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.restart();
        // A task that wakes itself is polled some sixty times before its thread looks at sockets
        // again. This wakes it after the thread has.
        let _ = pin!(yield_now()).poll(cx);
        Poll::Pending
    }
}
