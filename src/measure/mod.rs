//! What is known of each method: what its calls cost, and what has become of them.

mod call_record;
mod charge;
mod cost;
mod counters;
mod histogram;
mod meter;

pub(crate) use call_record::{CallEnd, CallRecord};
pub(crate) use charge::Charge;
pub(crate) use cost::nanos;
pub(crate) use counters::Counter;
pub use histogram::Histogram;
pub(crate) use meter::Meter;
