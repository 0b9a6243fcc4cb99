//! Streams: WebSockets, subscriptions, topics and cancellation, as their clients see them.
//!
//! - what goes over the wire: [`subscribing`], [`ends`], [`resuming`], [`pacing`], [`call_meta`],
//!   [`caller_meta`], [`batches`], [`progress`], [`cancelling`]; and as server-sent events:
//!   [`event_streams`]
//! - the bytes below it: [`handshakes`], [`frames`]
//! - clients that leave, wait or misbehave: [`peers`], [`crowds`], [`limits`]
//! - what happens to a server: [`tokens`], [`stops`], [`busy_streams`], [`publishing`]
//! - any order of all of it: [`interleavings`]
//! - callbox's own client: [`websocket_client`]

mod batches;
mod busy_streams;
mod call_meta;
mod caller_meta;
mod cancelling;
mod crowds;
mod ends;
mod event_streams;
mod frames;
mod handshakes;
mod interleavings;
mod limits;
mod pacing;
mod peers;
mod probe;
mod progress;
mod publishing;
mod resuming;
mod running;
mod service;
mod stops;
mod subscribing;
mod tokens;
mod websocket_client;
