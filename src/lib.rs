//! Write a struct, get a microservice.

// What the macros write names this crate from outside; the tests within use the macros too.
#[cfg(test)]
extern crate self as callbox;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod actor;
mod auth;
mod discover;
mod dispatch;
mod http;
mod jsonrpc;
mod mailbox;
mod router;
mod server;
mod service;
mod settings;
mod specs;
mod start_error;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;

pub use actor::{Host, MethodStats, Placement, ServiceRef};
pub use auth::{Authenticate, Caller};
pub use callbox_macros::{RpcError, service};
pub use http::{PageError, Templates};
pub use jsonrpc::{Dialect, RpcError, UnknownDialect};
pub use server::{Running, Server};
pub use service::{
    Access, BoxError, CallContext, FromCall, Handler, Internal, Kind, Method, MethodOptions, MethodTable, OnPanic,
    Reply, Service, State,
};
pub use settings::HttpStatus;
pub use start_error::{Result, StartError as Error};
