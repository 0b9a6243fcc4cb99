//! The client over a WebSocket: calls and subscriptions on one connection, also when it is lost;
//! and the same subscriptions over HTTP, each on a connection of its own.

mod calls;
mod cuts;
mod drops;
mod fake_server;
mod foreign;
mod named_calls;
mod over_http;
mod progress;
mod proxy;
mod secured;
mod service;
mod strange_servers;
mod subscriptions;
