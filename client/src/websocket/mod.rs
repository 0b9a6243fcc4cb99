//! The transport over a WebSocket: one connection for calls, batches, notifications and
//! subscriptions.
//!
//! A [`Socket`] is what clients hold: it puts messages into the queue of a background task
//! ([`task`]), which alone owns the connection and all tables, so there are no locks around them.
//!
//! - [`connect`] opens connections, with `tls` if need be. [`options`] makes a client of a
//!   `ClientBuilder`, and [`connection_event`] is what a program learns of the connection.
//! - [`link`] is one open connection: it reads and writes at the same time, and pings. [`watched`]
//!   knows whether the server is there still.
//! - [`session`] is what outlives a connection. [`calls`] has the calls that wait for their
//!   responses, and [`outgoing`] what waits to be sent.
//! - [`feeds`] has the subscriptions, [`feed`] is one of them with the items that its subscriber
//!   has not taken.

mod calls;
mod connect;
mod connection_event;
mod feed;
mod feeds;
mod link;
mod options;
mod outgoing;
mod session;
mod socket;
mod task;
#[cfg(feature = "tls")]
mod tls;
mod watched;

pub use connection_event::ConnectionEvent;
pub(crate) use connection_event::ConnectionHandler;

#[cfg(test)]
mod tests;
