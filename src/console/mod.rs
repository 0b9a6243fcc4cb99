//! What the console's pages are told of the mailboxes: one source for all of them, which rests while nobody looks.

mod feed;
mod window;

pub(crate) use feed::{Frames, StatsFeed};

#[cfg(test)]
mod tests;
