//! Clients to call services from Rust: a typed client for each service, and a client by method
//! names for any JSON-RPC 2.0 server.
//!
//! [`#[service]`](macro@crate::service) writes a typed client for each service, with an async
//! function for each method: `GreeterClient` for `Greeter`.
//! [`ServiceRef::client`](crate::ServiceRef::client) returns it for a service in the same process;
//! then it puts messages directly into the mailboxes. Made from a [`Client`], it sends calls over
//! the wire. See [`TypedClient`].
//!
//! A [`Client`] by itself calls methods by their names. It writes requests, reads responses in all
//! three [dialects](crate::Dialect), enforces deadlines, and repeats calls that never ran. A
//! [`Transport`] carries the bodies. The feature `client` has one for HTTP:
//!
//! ```toml
//! [dependencies]
//! callbox = { version = "0.1", features = ["client"] }
//! ```
//!
//! All functions that send are async and need a tokio runtime, as `#[actix_web::main]` and
//! `#[tokio::main]` provide.
//!
//! # Layout
//!
//! `untyped` is the client that calls methods by name, and `batch` its batches. `request` writes
//! request objects, and `response` reads response objects. `retry` has the rules for repeating
//! calls. `transport` is the interface to what carries bodies, and `http` carries them to the URL
//! in `address`. `typed_client` sends messages, with `typed_batch` for batches and `batch_types`
//! for the types of their results. `error` has the error of all calls.

#[cfg(feature = "client")]
mod address;
mod batch;
mod batch_types;
mod error;
mod handler_error;
#[cfg(feature = "client")]
mod http;
mod request;
mod response;
mod retry;
mod transport;
mod typed_batch;
mod typed_client;
mod untyped;

pub use crate::engine::LocalService;
pub use crate::service::FromRpcError;
pub use batch::Batch;
#[doc(hidden)]
pub use batch_types::{BatchElement, BatchResults, BatchTuple, MessageList, TuplePush};
pub use error::{Cause, ClientError};
#[cfg(feature = "client")]
pub use http::{BuildError, ClientBuilder};
pub use retry::Retry;
pub use transport::{Transport, TransportError, TransportRequest, TransportResponse};
pub use typed_batch::TypedBatch;
pub use typed_client::{Calls, ClientOutput, Serves, ServiceClient, TypedClient};
pub use untyped::Client;
