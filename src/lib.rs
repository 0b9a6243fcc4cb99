//! Write a struct, get a microservice.

// What the macros write names this crate from outside; the tests within use the macros too.
#[cfg(test)]
extern crate self as callbox;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod auth;
mod jsonrpc;
mod service;

pub use auth::Caller;
pub use callbox_macros::{RpcError, service};
pub use jsonrpc::RpcError;
pub use service::{
    Access, BoxError, CallContext, FromCall, Handler, Internal, Kind, Method, MethodOptions, MethodTable, OnPanic,
    Reply, Service, State,
};
