//! Calling a service from Rust: by the functions of its own client, or by names at any JSON-RPC 2.0 server.
//!
//! [`#[service]`](macro@crate::service) writes a client for each service, with an async function for each method: `Greeter`
//! gets a `GreeterClient`. [`ServiceRef::client`](crate::ServiceRef::client) returns it for a service in the same process,
//! and then it puts messages straight into the mailboxes. Made of a [`Client`], it sends calls over the wire. See
//! [`TypedClient`].
//!
//! A [`Client`] by itself calls methods by names. It writes requests, reads answers in all three
//! [dialects](crate::Dialect), keeps deadlines, and makes calls again that never ran. What carries the bodies is a
//! [`Transport`]; HTTP is there with the feature `client`:
//!
//! ```toml
//! [dependencies]
//! callbox = { version = "0.1", features = ["client"] }
//! ```
//!
//! Everything here is async and needs a tokio runtime, which `#[actix_web::main]` and `#[tokio::main]` give.
//!
//! # Layout
//!
//! `untyped` is the client by names, and `batch` its batches. `request` and `answer` are the two
//! halves of the wire, `retry` holds the rules for repeating calls, `transport` is what carries
//! bodies, and `http` carries them to an `address`. `typed_client` puts messages in place of names,
//! with `typed_batch` for batches and `batch_types` for the types of their results. `error` lists
//! what can go wrong.

#[cfg(feature = "client")]
mod address;
mod answer;
mod batch;
mod batch_types;
mod error;
mod handler_error;
#[cfg(feature = "client")]
mod http;
mod request;
mod retry;
mod transport;
mod typed_batch;
mod typed_client;
mod untyped;

pub use crate::engine::LocalService;
pub use crate::service::FromRpcError;
pub use batch::Batch;
#[doc(hidden)]
pub use batch_types::{Answers, Asked, Each, Grow, Slot};
pub use error::{Cause, ClientError};
#[cfg(feature = "client")]
pub use http::{BuildError, ClientBuilder};
pub use retry::Retry;
pub use transport::{Incoming, Outgoing, Transport, TransportError};
pub use typed_batch::TypedBatch;
pub use typed_client::{Calls, ClientOutput, Serves, ServiceClient, TypedClient};
pub use untyped::Client;
