//! Calling a service from Rust: by the functions of its own client, or by names at any JSON-RPC 2.0 server.
//!
//! [`#[service]`](macro@crate::service) writes a client for each service, with an async function for each method: `Greeter`
//! gets a `GreeterClient`. It is made of a [`ServiceRef`](crate::ServiceRef), and then puts messages straight into the
//! mailboxes of a service in the same process; or of a [`Client`], which goes over the wire. See [`Typed`].
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
//! `untyped` is the client by names, with `many` for its batches; `request` and `answer` are its two halves of the wire,
//! `retry` says what is made again and when, `transport` is what carries bodies, and `http` one that does, to an `address`. `typed` puts
//! messages in place of names, with `typed_batch` for batches and `asked` for the types of their answers. `error` is what
//! goes wrong, and `own_error` the way back to what a method said.

#[cfg(feature = "client")]
mod address;
mod answer;
mod asked;
mod error;
#[cfg(feature = "client")]
mod http;
mod many;
mod own_error;
mod request;
mod retry;
mod transport;
mod typed;
mod typed_batch;
mod untyped;

pub use asked::{Answers, Asked, Each, Grow, Slot};
pub use error::{Cause, ClientError};
#[cfg(feature = "client")]
pub use http::{BuildError, ClientBuilder};
pub use many::Batch;
pub use own_error::FromRpcError;
pub use retry::Retry;
pub use transport::{Incoming, Outgoing, Transport, TransportError};
pub use typed::{ClientMethod, ClientOutput, ServiceClient, Typed};
pub use typed_batch::TypedBatch;
pub use untyped::Client;
