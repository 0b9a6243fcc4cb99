//! The wire: requests in, responses out. Knows JSON and nothing else: no async, no HTTP, no service.

mod beginning;
mod brackets;
mod budget;
mod dialect;
mod envelope;
mod error;
mod fault;
mod form;
mod id;
mod internal;
mod large;
mod pending;
#[cfg(test)]
mod property_tests;
mod request;
mod response;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use beginning::beginning;
pub(crate) use budget::Budget;
pub use dialect::Dialect;
pub(crate) use envelope::{Envelope, Limits, MAX_DEPTH};
pub use error::RpcError;
pub(crate) use error::code;
pub(crate) use form::{NoForm, check};
pub(crate) use id::Id;
#[cfg(feature = "testing")]
pub(crate) use internal::log_all_causes;
pub(crate) use pending::{Hold, Pending};
pub(crate) use request::{Invalid, Member, Request};
pub(crate) use response::{BatchWriter, Draft};
pub(crate) use write::write;
