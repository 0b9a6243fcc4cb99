//! The client over a WebSocket: calls and subscriptions on one connection, also when it is lost.

mod calls;
mod cuts;
mod drops;
mod fake_server;
mod foreign;
mod named_calls;
mod proxy;
mod secured;
mod service;
mod strange_servers;
mod subscriptions;
