//! The wire format: requests in, responses out. Knows JSON and nothing else: no async, no HTTP, no
//! service.
//!
//! A body is parsed once, by [`Envelope::parse`], into requests that borrow from it. A response is
//! written by [`Draft`], or by [`BatchWriter`] for a batch, straight into the body that is sent;
//! [`ResponseBudget`] limits its size.

mod budget;
mod call_meta;
mod dialect;
mod envelope;
mod id;
mod large_params;
mod nesting;
mod pending_results;
#[cfg(test)]
mod property_tests;
mod request;
mod request_fault;
#[cfg(feature = "nats")]
mod request_parts;
mod response;
#[cfg(test)]
mod tests;
mod truncate;

pub(crate) use budget::ResponseBudget;
pub(crate) use call_meta::{CallMeta, may_have_meta};
pub use callbox_client::__engine::RpcError;
#[cfg(feature = "testing")]
pub(crate) use callbox_client::__engine::log_all_causes;
pub(crate) use callbox_client::__engine::{Unrepresentable, check, code, write};
pub use dialect::Dialect;
pub(crate) use envelope::{Envelope, Limits, MAX_DEPTH};
pub(crate) use id::Id;
pub(crate) use pending_results::{PendingResults, ResultLease};
pub(crate) use request::{InvalidRequest, ParsedRequest, RpcRequest};
#[cfg(feature = "nats")]
pub(crate) use request_parts::payload_range;
pub(crate) use response::{BatchWriter, Draft};
pub(crate) use truncate::truncated;
