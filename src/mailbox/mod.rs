//! Admission and queueing. Knows calls and methods, and no actor.
//!
//! A [`Mailbox`] is a ring of [`Call`]s behind a lock; its [`Places`], which count in the [`Quota`] of its service, give out the
//! [`Permit`]s that bound it; the [`Bell`] tells the host that something came in, once for all that a thread is
//! [`Gathering`].

mod admission;
mod bell;
mod call;
mod entry;
mod gather;
mod limit;
mod line;
mod member;
mod policy;
mod queue;
mod quota;
mod rejection;
mod shedding;
mod stage;

pub(crate) use admission::Admission;
pub(crate) use bell::Bell;
pub(crate) use call::{Call, Release, in_time, wake};
pub(crate) use entry::Entry;
pub(crate) use gather::{Gathering, is_gathered};
pub(crate) use limit::Limit;
pub(crate) use member::{Member, Ready};
pub(crate) use queue::{Mailbox, Queued};
pub(crate) use quota::{Full, Places, Quota, SERVICE_BYTES, SERVICE_CALLS};
pub(crate) use rejection::deadline;
