//! Admission and queueing. Knows calls and methods, and no actor.
//!
//! A [`Mailbox`] is a ring of [`Call`]s behind a lock; its [`MailboxSlots`], which count in the [`Quota`] of its service, give out the
//! [`Permit`]s that bound it; the [`Bell`] tells the host that something came in, once for all that a thread is
//! [`DeferredWake`].

mod admission;
mod backlog;
mod batch_member;
mod bell;
mod bounded_counter;
mod call;
mod call_queue;
mod call_state;
mod deferred_wake;
mod method_entry;
mod quota;
mod rejection;
mod shedding;
mod wait_list;

pub(crate) use admission::Admission;
pub(crate) use batch_member::{BatchMember, ReadyOutput};
pub(crate) use bell::Bell;
pub(crate) use bounded_counter::BoundedCounter;
pub(crate) use call::{Call, CallerWake, expire_if_late, wake};
pub(crate) use call_queue::{Mailbox, QueueItem};
pub(crate) use deferred_wake::{DeferredWake, defer_wake};
pub(crate) use method_entry::MethodEntry;
pub(crate) use quota::{LimitReached, MailboxSlots, Quota, SERVICE_BYTES, SERVICE_CALLS};
pub(crate) use rejection::deadline_error;
