//! Admission and queueing of calls: everything between a transport's thread and the host, which
//! runs the calls. Knows calls and methods, and no actor.
//!
//! # The life of a queued call
//!
//! 1. **Admitted.** [`Admission`] decides on the caller's thread, before the parameters are parsed,
//!    so that a rejection is cheap. It rejects a call that cannot end before its deadline, because
//!    the [`Backlog`](backlog::Backlog) in front of it and its own run usually take longer. It also
//!    rejects a call that would wait longer than `max_wait` in an overloaded mailbox. Any other
//!    call acquires a slot in its mailbox, a slot in its service, and the bytes of its parameters
//!    in its service ([`Quota`]). The result is a [`Permit`](quota::Permit).
//! 2. **Queued.** The permit and the parsed message become a [`Call`], one allocation that caller
//!    and host share. It is pushed into the inbox of its [`Mailbox`], and the [`Bell`] is rung if
//!    the inbox was empty. A transport's thread may put off the wake with [`DeferredWake`], so that
//!    a burst of requests on one thread wakes the host once.
//! 3. **Taken.** The host swaps the whole inbox for its own, empty queue: callers and host meet on
//!    the lock once per burst. [`Mailbox::head`] returns the first live call without removing it.
//!    The scheduler, which is not part of this module, picks a mailbox, asks the gate, and starts
//!    the call. [`Call::begin`] moves the message out and frees the slot. It does not start a call
//!    that has expired, that would usually end too late while other calls wait, or whose batch has
//!    no room for its result.
//! 4. **Ended.** A call ends exactly once. Several may try to end it: the host with a reply, the
//!    caller's deadline timer, a caller that leaves, a close of the mailbox. Each of them goes
//!    through one lock, in [`CallState`](call_state::CallState). The first one records the end and,
//!    if somebody waits for the reply, gets a [`CallerWake`](call::CallerWake). The deadline timer
//!    is on the caller's side, so the deadline error is on time even while the host runs a long
//!    method.
//!
//! A call that finds no slot is rejected with -32000, unless it is a member of a batch: batches
//! wait in a [`WaitList`](wait_list::WaitList) until a slot is released or the deadline of the
//! member passes.
//!
//! # Where threads race, and what keeps that safe
//!
//! - a push against a host that parks: [`Bell`]: a bit, a fence and a flag on either side; at least
//!   one side sees the other
//! - a release of a slot against a batch that starts to wait: [`Quota`]: the same handshake, over
//!   the count of waiting batches
//! - two callers for the last slot: [`BoundedCounter`]: compare and swap, never above the limit
//! - an inline call against a push: the slots: a permit counts as a waiting call before the call is
//!   pushed, and an inline call checks once more for waiting calls after it has taken the state
//! - a reply against a deadline, or a caller that leaves: [`CallState`](call_state::CallState): one
//!   lock, the first end wins
//! - a push against a close: the lock of the inbox: the call is handed back to its caller or to the
//!   closer, never to neither
//!
//! The package `tests/model` checks these with loom, over the sources of this module, and lists the
//! mutations of the code that its models catch.

mod admission;
mod backlog;
mod batch_member;
mod bell;
mod bounded_counter;
mod call;
mod call_queue;
mod call_state;
mod deferred_wake;
mod mailbox_share;
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
pub(crate) use mailbox_share::MailboxShare;
pub(crate) use method_entry::MethodEntry;
pub(crate) use quota::{LimitReached, MailboxSlots, Quota, SERVICE_BYTES, SERVICE_CALLS};
pub(crate) use rejection::deadline_error;
