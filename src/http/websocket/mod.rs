//! The WebSocket protocol (RFC 6455) of a server: the handshake, and frames as bytes.
//!
//! [`endpoint`] accepts the requests for an endpoint's path that ask for a WebSocket, by the rules
//! of [`handshake`]. A [`connection`] passes frames to its session in `dispatch`, and sends what
//! that has: [`frame_reader`] turns the bytes of a client into events, [`waiting`] keeps those for
//! which the session has no room, and [`frame_writer`] appends frames to what is sent.
//!
//! `actix_http::ws::Codec` is not used. It buffers a frame up to the length that the frame
//! announces, however large, before it compares that length with its limit. It does not check
//! UTF-8, leaves fragments to its user, and accepts lengths that are not in their shortest form. It
//! logs an error for each fragmented control frame, so any client can fill the log. Its feature
//! also costs seven crates, where the handshake alone needs two.

mod close;
mod connection;
mod connection_token;
mod endpoint;
mod frame_head;
mod frame_reader;
mod frame_writer;
mod frames;
mod handshake;
mod mask;
mod text_message;
mod timer;
mod waiting;

#[cfg(fuzzing)]
pub(crate) use frame_reader::{Event, FrameReader};
#[cfg(fuzzing)]
pub(crate) use frame_writer::{TextFrame, text};

#[cfg(test)]
mod client_frames;

pub(super) use endpoint::WebSocketEndpoint;
pub(crate) use endpoint::WebSocketLimits;
