//! The source of the console's live data: samples of the mailboxes, taken only while a page is
//! open.

mod feed;
mod window;

pub(crate) use feed::{NoFrames, StatsFeed};

#[cfg(test)]
use feed::Frames;

#[cfg(test)]
mod tests;
