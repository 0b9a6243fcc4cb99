//! The wire: requests in, responses out. Knows JSON and nothing else: no async, no HTTP, no service.

mod dialect;
mod error;

pub(crate) use dialect::Dialect;
pub use error::RpcError;
pub(crate) use error::code;
