//! What the transports share that carry subscriptions and reports of progress.
//!
//! - [`frame`] reads what a message of the server is: a response, a batch of them, a message of a
//!   subscription, or a report.
//! - [`position`] knows how far a subscription has got, and from where it continues after a lost
//!   connection. [`backoff`] has the pauses before that.
//! - [`feed`] is where the items of a subscription arrive, whatever the transport. [`call_streams`]
//!   says what a call gets besides its response, and [`handoff`] passes on the items of a transport
//!   that gets them with the response.

mod backoff;
mod call_streams;
mod feed;
mod frame;
mod handoff;
mod position;

pub(crate) use backoff::Backoff;
pub(crate) use call_streams::CallStreams;
pub(crate) use feed::{Feed, FeedEnd, FeedEvent, FeedItem, FeedStart, JsonFeed};
pub(crate) use frame::{Frame, Notice, ProgressNotice, ResponseId};
pub(crate) use handoff::{Handoff, OpenSubscription};
pub(crate) use position::Position;
