//! Write a struct, get a microservice.

mod auth;
mod dispatch;
mod http;
mod jsonrpc;
mod service;
mod start_error;

pub use auth::Caller;
pub use http::{PageError, Templates};
pub use jsonrpc::RpcError;
pub use service::{
    Access, BoxError, CallContext, FromCall, Handler, Internal, Kind, Method, MethodOptions, MethodTable, OnPanic,
    Reply, Service, State,
};
pub use start_error::StartError;
