//! Statistics of services, their methods, and connections.
//!
//! [`ServerHandle::stats`](crate::ServerHandle::stats) returns the statistics of every service, and
//! [`ServiceRef::stats`](crate::ServiceRef::stats) those of one. The method `rpc.mailboxes` returns
//! the same numbers as JSON. Those of the connections are returned by
//! [`ServerHandle::connections`](crate::ServerHandle::connections) and by `rpc.connections`.

pub use crate::engine::{MethodStats, Refusals, ServiceStats};
pub use crate::measure::{ConnectionStats, Histogram};
