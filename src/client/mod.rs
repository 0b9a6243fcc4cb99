//! Calling a service from Rust: an untyped client for any JSON-RPC 2.0 server.
//!
//! A [`Client`] writes requests, reads answers, keeps deadlines, and tries again what never ran. What carries the bodies is
//! a [`Transport`]; HTTP is there with the feature `client`:
//!
//! ```toml
//! [dependencies]
//! callbox = { version = "0.1", features = ["client"] }
//! ```
//!
//! All of it is async and needs a tokio runtime.

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
