//! What the integration tests of several packages share.
//!
//! - [`event_stream`] reads server-sent events.
//! - [`http`] sends requests over plain sockets, for what a well-behaved client would not send.
//! - [`nats_server`] starts a NATS server.
//! - [`program`] starts a server as a process of its own and watches it from outside.
//! - [`quotes`] is a server with a topic.
//! - [`roles`] has the servers that a test's own program can be for [`program`].
//! - [`examples`] builds and starts the examples of the library.
//! - [`names`] is an authenticator with two callers.
//! - [`panics`] hides the panics that tests cause.
//! - [`shell_commands`] reads the calls in the documentation of an example.
//! - [`trials`] runs the tests of a program that can be a server as well.
//! - [`wait`] waits for effects.
//! - [`websocket`] speaks with a server over a WebSocket, frame by frame.

pub mod event_stream;
pub mod examples;
pub mod free_port;
pub mod http;
pub mod names;
pub mod nats_server;
pub mod panics;
pub mod program;
pub mod quotes;
pub mod roles;
pub mod shell_commands;
pub mod trials;
pub mod wait;
pub mod websocket;
