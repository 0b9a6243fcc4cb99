//! What is measured of each method: what its calls cost, and how they ended.
//!
//! A call is measured in three steps:
//!
//! 1. **It begins.** [`CallRecord`] is created with the path of the call: inline, through its
//!    mailbox, or rejected before either. Calls of the first two paths are counted in the
//!    [`CallCounters`](counters::CallCounters) of their method.
//! 2. **It runs.** Each run reports how long it held its thread: all polls of an async run
//!    together. [`Cost`](cost::Cost) averages this, and notes at once when a run or one poll was
//!    long. Two decisions depend on it: whether the next call of the method may run inline, and
//!    whether the backlog of a mailbox leaves a call enough time. [`Charge`] tells the fair queue
//!    of time that the scheduler has not measured itself. `RunTime` averages the whole time of
//!    async runs, by which an instance on NATS knows how long further calls would wait.
//! 3. **It ends.** The record is written once, by whoever ends the call, or when the record is
//!    dropped. It counts how the call ended, and records its time in the mailbox and its run time,
//!    if it had them, in two histograms. The log has a line at the debug level.
//!
//! All of this is written for every call by many threads, so it uses relaxed atomics, and no lock.
//! The counters are sharded by thread ([`CallCounters`](counters::CallCounters)) and summed when
//! somebody reads them; a snapshot may be torn between two counters, which statistics can bear.

mod call_record;
mod cancelling;
mod charge;
mod connections;
mod cost;
mod counters;
mod histogram;
mod meter;
#[cfg(feature = "nats")]
mod nats_counters;
mod refused_requests;
#[cfg(feature = "nats")]
mod run_time;
mod server_counters;

pub(crate) use call_record::{CallEnd, CallRecord};
pub(crate) use cancelling::{Cancelling, NoticesCancel, take_cancel};
pub(crate) use charge::Charge;
pub use connections::ConnectionStats;
pub(crate) use connections::{ConnectionCounter, ConnectionCounters, CountedConnection};
pub(crate) use cost::nanos;
pub(crate) use counters::Counter;
#[cfg(test)]
pub(crate) use histogram::AtomicHistogram;
pub use histogram::Histogram;
pub(crate) use meter::{LONG_HOLD, Meter};
#[cfg(feature = "nats")]
pub(crate) use nats_counters::{InstanceStats, MemberLoad, NatsCounters, NatsStats, SILENCE};
pub(crate) use refused_requests::{Carrier, RefusedReason, RefusedRequests};
pub(crate) use server_counters::ServerCounters;
