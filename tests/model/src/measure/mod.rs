//! The modules that the mailboxes measure with, unchanged.

#[path = "../../../../src/measure/charge.rs"]
mod charge;
#[path = "../../../../src/measure/cost.rs"]
mod cost;

pub(crate) use charge::Charge;
pub(crate) use cost::nanos;
