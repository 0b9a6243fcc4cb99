//! Write a struct, get a microservice.

mod actor;
mod auth;
mod jsonrpc;
mod mailbox;
mod service;
mod settings;
mod start_error;
mod sync;

pub use actor::{Host, MethodStats, Placement, ServiceRef};
pub use auth::Caller;
pub use jsonrpc::{Dialect, RpcError, UnknownDialect};
pub use service::{
    Access, BoxError, CallContext, FromCall, Handler, Internal, Kind, Method, MethodOptions, MethodTable, OnPanic,
    Reply, Service, State,
};
pub use settings::HttpStatus;
pub use start_error::{Result, StartError as Error};
