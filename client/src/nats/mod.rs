//! The transport over NATS: calls to services that run anywhere, in any number of instances.
//!
//! A call is one request of NATS: its payload are the parameters, that of the reply is the result.
//! The instances of a service form a group, and NATS gives each call to one of them.
//!
//! - [`connection`] is the connection, which [`builder`] opens at an [`address`], and [`thread`]
//!   serves.
//! - [`replies`] is the inbox of the connection.
//! - [`transport`] sends calls, [`reply`] reads their replies, and [`items`] has what arrives
//!   besides them.
//! - [`service_target`] and [`micro`] know the subjects of methods: of a callbox service, and of
//!   any other.
//! - [`subject`] and [`wire`] have the names that both sides use, and [`unique_id`] those of
//!   inboxes and instances.

mod address;
mod builder;
mod connection;
mod discovery;
mod items;
mod micro;
mod replies;
mod reply;
mod service_target;
pub mod subject;
mod thread;
mod transport;
mod unique_id;
pub mod wire;

pub use address::NatsAddress;
pub use builder::NatsBuilder;
pub use connection::{Connection, Nats};
pub use discovery::{MicroEndpoint, MicroEndpointStats, MicroInfo, MicroInstance, MicroStats};
pub use thread::NatsThread;
pub use unique_id::unique_id;
