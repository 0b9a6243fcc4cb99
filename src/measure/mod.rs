//! What is measured of each method: what its calls cost, and how they ended.
//!
//! A call is measured in three steps:
//!
//! 1. **It begins.** [`CallRecord`] is created with the way that the call takes: inline, through
//!    its mailbox, or rejected before either. It counts the call in the
//!    [`CallCounters`](counters::CallCounters) of its method.
//! 2. **It runs.** Each run, or each poll of an async run, reports how long it held its thread.
//!    [`Cost`](cost::Cost) averages this. Two decisions depend on it: whether the next call of the
//!    method may run inline, and whether the backlog of a mailbox leaves a call enough time.
//!    [`Charge`] carries time that the scheduler did not see itself to its fair queue.
//! 3. **It ends.** The record is written once, whoever ends the call, and at the latest when it is
//!    dropped: one counter, two histograms (time in the mailbox, time of the run), one line in the
//!    log.
//!
//! All of this is written for every call by many threads, so it uses relaxed atomics, and no lock.
//! The counters are sharded by thread ([`CallCounters`](counters::CallCounters)) and summed when
//! somebody reads them; a snapshot may be torn between two counters, which statistics can bear.

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
