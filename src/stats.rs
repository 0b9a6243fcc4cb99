//! Statistics of services and their methods.
//!
//! [`ServerHandle::stats`](crate::ServerHandle::stats) returns the statistics of every service, and
//! [`ServiceRef::stats`](crate::ServiceRef::stats) those of one. The method `rpc.mailboxes` returns
//! the same numbers as JSON.
//!
//! [`ServerHandle::connections`](crate::ServerHandle::connections) returns those of the connections,
//! and the method `rpc.connections` does so as JSON.

pub use crate::engine::{MethodStats, Refusals, ServiceStats};
pub use crate::measure::{ConnectionStats, Histogram};
