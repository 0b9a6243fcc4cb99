//! The source of the console's pages: samples of the mailboxes, taken only while a page is open.

mod feed;
mod window;

pub(crate) use feed::{Frames, StatsFeed};

#[cfg(test)]
mod tests;
