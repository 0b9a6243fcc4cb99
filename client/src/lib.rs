//! Clients of JSON-RPC 2.0 services: a typed client for each callbox service, and a client by
//! method names for any server.
//!
//! [`#[service]`](https://docs.rs/callbox) writes a typed client for each service of
//! [callbox](https://docs.rs/callbox), with a function for each method: `GreeterClient` for
//! `Greeter`. Made from a [`Client`], it sends calls over the wire. In the process of the service,
//! it puts messages directly into the mailboxes. See [`TypedClient`].
//!
//! A [`Client`] by itself calls methods by their names. It writes requests, reads responses in all
//! dialects of callbox, enforces deadlines, and repeats calls that never ran. A [`Transport`]
//! carries the bodies. The feature `http`, which is on by default, has one for `http://`, and the
//! feature `tls` one for `https://`. The feature `websocket` has one for `ws://`, and for `wss://`
//! with `tls`. All of them carry subscriptions and reports of progress: over HTTP each is a
//! connection of its own, and a WebSocket is one connection for everything.
//!
//! A crate that uses callbox itself needs no dependency on this one: it is `callbox::client`.
//!
//! All functions that send are async and need a tokio runtime, as `#[tokio::main]` and
//! `#[actix_web::main]` provide.
//!
//! # Layout
//!
//! What callers and services agree on:
//! - `message` has the message of a method, `name` its full name, and `rpc_error` the error object
//!   of JSON-RPC. `from_rpc_error` converts that back to the error of the method, and `error_list`
//!   lists the errors of a method for documents. `internal_error` hides any error from callers,
//!   also one that is an `internal_cause` in an enum. `result_alias` sees through other names of
//!   `Result`.
//! - `subscription` has results that are streams of items.
//! - `rules` has what parameters must be. `params` reads parameters into a message, and
//!   `representable` finds values that JSON cannot hold.
//!
//! Calls:
//! - `untyped` is the client that calls methods by name, and `batch` its batches. `request` writes
//!   request objects, and `response` reads response objects. `retry` has the rules for repeating
//!   calls. `client_error` has the error of all calls.
//! - `subscribe` starts subscriptions, and `named_call` makes a call by name with more options.
//!   `stream` has what all transports with subscriptions share: the messages, and how they go on
//!   after a lost connection.
//! - `transport` is the interface to what carries bodies. `http` carries them to the URL in
//!   `address`, and takes server-sent events for what has more than one answer; `websocket` has one
//!   connection for everything. `builder` has the options of both.
//! - `typed_client` makes calls from messages, and `call` is one of them. `typed_batch` sends
//!   several together, and `batch_types` has the types of their results. `local` is a service in
//!   the same process, whatever its type.
//! - `progress` has the reports of a call, and `call_meta` what a caller says about one.
//! - `directory` has the services that a program can call, wherever they are.
//! - `ambient` knows within which method a call is made, and `call_trace` whether that is traced.
//!   `trace_context` has the place of a request in a trace.
//! - `actix` lets handlers of actix-web return the error of a call.
//! - `log` has the log macros. `__engine` has what callbox's engine uses, and `__private` what the
//!   code of the macros uses.

// First, since its macros are used by the modules that follow.
#[macro_use]
mod log;

#[doc(hidden)]
pub mod __engine;
#[doc(hidden)]
pub mod __private;
#[cfg(feature = "actix-web")]
mod actix;
#[cfg(any(feature = "http", feature = "websocket"))]
mod address;
mod ambient;
mod ambient_request;
mod batch;
mod batch_types;
#[cfg(any(feature = "http", feature = "nats", feature = "websocket"))]
mod build_error;
#[cfg(any(feature = "http", feature = "websocket"))]
mod builder;
mod call;
mod call_meta;
mod call_trace;
mod client_error;
mod directory;
#[cfg(feature = "schemas")]
mod error_list;
mod from_rpc_error;
#[cfg(feature = "http")]
mod http;
mod internal_cause;
mod internal_error;
mod local;
mod message;
mod name;
mod named_call;
#[cfg(feature = "nats")]
mod nats;
mod params;
mod progress;
mod representable;
mod request;
mod request_number;
mod request_scope;
mod response;
mod result_alias;
mod retry;
mod rpc_error;
#[doc(hidden)]
pub mod rules;
#[cfg_attr(
    not(all(feature = "http", feature = "websocket")),
    expect(dead_code, unused_imports, reason = "each transport uses a part of it")
)]
mod stream;
mod subscribe;
mod subscription;
mod trace_context;
mod transport;
mod typed_batch;
mod typed_client;
mod untyped;
#[cfg(feature = "websocket")]
mod websocket;

pub use batch::Batch;
#[doc(hidden)]
pub use batch_types::{BatchElement, BatchResults, BatchTuple, MessageList, TuplePush};
#[cfg(any(feature = "http", feature = "nats", feature = "websocket"))]
pub use build_error::BuildError;
#[cfg(any(feature = "http", feature = "websocket"))]
pub use builder::ClientBuilder;
pub use call::{Call, IntoCall, LocalCaller};
pub use callbox_macros::{ClientRpcError as RpcError, client_api as api};
pub use client_error::{Cause, ClientError};
#[cfg(feature = "schemas")]
pub use error_list::{DescribeErrors, ErrorList};
pub use from_rpc_error::FromRpcError;
pub use internal_error::InternalError;
pub use local::LocalService;
pub use message::{Message, Reply};
pub use named_call::{NamedCall, Started};
#[cfg(feature = "nats")]
pub use nats::{
    MicroEndpoint, MicroEndpointStats, MicroInfo, MicroInstance, MicroStats, Nats, NatsAddress, NatsBuilder,
};
pub use progress::ProgressReport;
pub use retry::Retry;
pub use rpc_error::RpcError;
pub use rules::InvalidParam;
pub use subscription::{Item, JsonItems, Lag, Subscription, SubscriptionNames};
pub use trace_context::{InvalidTraceparent, TraceContext};
pub use transport::{Transport, TransportError, TransportRequest, TransportResponse};
pub use typed_batch::TypedBatch;
pub use typed_client::{Calls, ClientOutput, ServiceClient, TypedClient};
pub use untyped::Client;
#[cfg(feature = "websocket")]
pub use websocket::ConnectionEvent;
