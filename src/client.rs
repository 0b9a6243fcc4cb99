//! Clients to call services from Rust: a typed client for each service, and a client by method
//! names for any JSON-RPC 2.0 server.
//!
//! [`#[service]`](macro@crate::service) writes a typed client for each service, with a function for
//! each method: `GreeterClient` for `Greeter`. [`ServiceRef::client`](crate::ServiceRef::client)
//! returns it for a service in the same process; then it puts messages directly into the mailboxes.
//! Made from a [`Client`], it sends calls over the wire. See [`TypedClient`].
//!
//! A [`Client`] by itself calls methods by their names. It writes requests, reads responses in all
//! three [dialects](crate::Dialect), enforces deadlines, and repeats calls that never ran. A
//! [`Transport`] carries the bodies. The feature `client` has one for `http://`, and one for
//! `ws://`, which also carries subscriptions. The feature `client-tls` has them for `https://` and
//! `wss://` as well:
//!
//! ```toml
//! [dependencies]
//! callbox = { version = "0.1", features = ["client"] }
//! ```
//!
//! All functions that send are async and need a tokio runtime, as `#[actix_web::main]` and
//! `#[tokio::main]` provide.
//!
//! This module is the crate `callbox-client`. A program that only calls services depends on that
//! crate alone, which has no actix.

use callbox_client as client;
#[cfg(any(feature = "client", feature = "nats"))]
pub use client::BuildError;
pub use client::{
    Batch, Call, Calls, Cause, Client, ClientError, ClientOutput, FromRpcError, IntoCall, LocalCaller, LocalService,
    NamedCall, ProgressReport, Retry, ServiceClient, Started, Transport, TransportError, TransportRequest,
    TransportResponse, TypedBatch, TypedClient,
};
#[doc(hidden)]
pub use client::{BatchElement, BatchResults, BatchTuple, MessageList, TuplePush};
#[cfg(feature = "client")]
pub use client::{ClientBuilder, ConnectionEvent};
#[cfg(feature = "nats")]
pub use client::{
    MicroEndpoint, MicroEndpointStats, MicroInfo, MicroInstance, MicroStats, Nats, NatsAddress, NatsBuilder,
};

pub use callbox_macros::api;

pub use crate::service::Serves;
