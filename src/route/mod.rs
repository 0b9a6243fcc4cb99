//! A method as the dispatcher sees it: parameters in as JSON, a result out as JSON.
//!
//! This is the border between `dispatch`, which knows bodies and batches, and `engine`, which knows
//! mailboxes and state. Neither knows the other.

mod item_counters;
mod subscriber;

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::LocalBoxFuture;

use crate::jsonrpc::{ResponseBudget, RpcError};

use crate::service::{CallContext, Link, MethodDescription, MethodOptions, SchemaGenerators, ServiceId};

pub(crate) use item_counters::ItemCounters;
pub(crate) use subscriber::{StartedSubscription, StateEnd, StateEndGuard, Subscriber};

/// The outcome of a call: its result has been written to the response, or there is an error to
/// write.
pub(crate) type CallOutcome = Result<(), RpcError>;

/// A callable name.
pub(crate) trait Route: Send + Sync {
    /// Returns the name as callers write it.
    fn name(&self) -> &'static str;

    /// Returns the name without the namespace of the service.
    #[cfg(feature = "nats")]
    fn bare_name(&self) -> &'static str {
        self.name()
    }

    /// Returns how much work waits before a call that arrives now. A method of callbox's own has
    /// none.
    #[cfg(feature = "nats")]
    fn load(&self) -> Option<MethodLoad> {
        None
    }

    /// Returns the name of the service. A method of callbox's own has none.
    fn service(&self) -> Option<&'static str> {
        None
    }

    /// Whether the service of the method waits in this chain. A method of callbox's own has none.
    fn waits_in(&self, _chain: &Link) -> bool {
        false
    }

    /// Returns access rule, deadline and documentation.
    fn options(&self) -> &MethodOptions;

    /// Whether a call has to know its request: because the method reads it, or because it may call
    /// others, whose calls have its id.
    fn reads_request(&self) -> bool {
        self.options().reads_request
    }

    /// Whether the method is one of callbox's own.
    fn is_builtin(&self) -> bool {
        false
    }

    /// Returns the maximum number of calls in the mailbox. A method of callbox's own has none.
    fn capacity(&self) -> Option<usize> {
        None
    }

    /// Returns the mailbox of the method: a batch keeps the order of its members within a mailbox.
    fn mailbox(&self) -> MailboxId;

    /// Admits the call, reads its parameters, and runs it here or pushes it into its mailbox.
    fn start(&self, call: CallContext, params: Option<&str>, context: StartContext<'_>) -> CallStart;

    /// Runs a prefix of several calls here and now, and returns their replies. The calls have
    /// everything but their parameters in common, and begin within `longest`. The others must still
    /// be [started](Self::start).
    fn run_series(
        &self,
        _call: CallContext,
        _params: &mut dyn Iterator<Item = Option<&str>>,
        _longest: Duration,
    ) -> Box<dyn SeriesReplies> {
        Box::new(())
    }

    /// Describes what callers send and get.
    fn describe(&self, generators: &mut SchemaGenerators) -> MethodDescription;

    /// Records a call that [`start`](Self::start) did not admit and that waits for a slot no
    /// longer.
    fn reject(&self, call: CallContext, rejection: &Rejection);

    /// Completes when room was made after this call and it is worth trying again, for a batch
    /// of which `members` wait. `reason` is why the first of them was rejected, which is `call`.
    fn room(&self, call: &CallContext, reason: RejectReason, members: usize) -> LocalBoxFuture<'_, ()>;
}

impl fmt::Debug for dyn Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The replies to a series of calls, in order.
pub(crate) trait SeriesReplies {
    /// Returns how many replies are left.
    fn len(&self) -> usize;

    /// Appends the next result to `out`. Returns `None` if no reply is left.
    fn write_next(&mut self, budget: &ResponseBudget, out: &mut Vec<u8>) -> Option<CallOutcome>;
}

/// No replies.
impl SeriesReplies for () {
    fn len(&self) -> usize {
        0
    }

    fn write_next(&mut self, _: &ResponseBudget, _: &mut Vec<u8>) -> Option<CallOutcome> {
        None
    }
}

/// What a transport grants one call.
pub(crate) struct StartContext<'a> {
    /// What the response may still hold.
    pub(crate) budget: &'a Rc<ResponseBudget>,
    /// Whether the call may run inline.
    pub(crate) inline: bool,
    /// The address of the client.
    pub(crate) peer: Option<IpAddr>,
    /// The connection of the caller, if it takes the items of subscriptions.
    pub(crate) subscriber: Option<&'a Rc<dyn Subscriber>>,
    /// The response so far, to which the result is appended if the call ends at once. The result of
    /// a notification is discarded.
    pub(crate) out: &'a mut Vec<u8>,
}

/// The work that waits before a call that arrives now.
#[cfg(feature = "nats")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct MethodLoad {
    /// How long the call would wait.
    pub(crate) wait: Duration,
    /// Usual run time of a call; zero as long as there are too few to know.
    pub(crate) usual: Duration,
}

/// Identifies a mailbox among all services of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MailboxId(pub(crate) ServiceId, pub(crate) usize);

/// The rejection of a call, which never started.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) reason: RejectReason,
    pub(crate) error: RpcError,
}

impl Rejection {
    /// Returns the rejection of a call to a service that is down or stopping.
    pub(crate) fn unavailable() -> Self {
        Self { reason: RejectReason::Unavailable, error: RpcError::unavailable() }
    }

    /// Returns the rejection of a call that its caller cancels while it waits for a slot.
    pub(crate) fn cancelled() -> Self {
        Self { reason: RejectReason::Cancelled, error: RpcError::cancelled() }
    }
}

/// Why a call was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectReason {
    /// The mailbox is full.
    Full,
    /// The service holds as many calls as it may.
    ServiceFull,
    /// The service holds as many bytes of parameters as it may.
    BytesFull,
    /// The caller has as many calls in the method as it may.
    Caller,
    /// The backlog and the call itself usually take longer than the call has left.
    Hopeless,
    /// The call is larger than all that may wait in the service.
    NeverFits,
    /// The mailbox is overloaded, and the call has waited longer than its method's `max_wait`, or
    /// would.
    Overdue,
    /// The service is down, or stopping.
    Unavailable,
    /// The parameters do not fit the method.
    Params,
    /// The deadline passed before a slot was free.
    Expired,
    /// Its caller cancelled it before a slot was free.
    Cancelled,
}

/// Returns the error of a call that would come back to a service that waits for it.
#[cold]
pub(crate) fn waits_for_itself(chain: &Link, method: &'static str) -> RpcError {
    let cause = format_args!("the call {chain} → {method} would wait for itself: no service may be visited twice");
    RpcError::internal_in(method, &cause)
}

/// The result of starting a call.
pub(crate) enum CallStart {
    /// The call has ended. A notification has left nothing in the response.
    Done(CallOutcome),
    /// The call is a notification and is in its mailbox: nobody waits for it.
    Sent,
    /// The call has not ended. Dropping this gives it up.
    Pending(Pin<Box<dyn PendingReply>>),
    /// No slot is free. The rejection is the reply, unless the caller prefers to wait for a slot.
    /// Not recorded yet. In a box, so that the results of calls that run are small.
    NoRoom(Box<(CallContext, Rejection)>),
}

/// A call whose reply is still to come.
///
/// Like a future, except that the poller passes the place of the result: so the result is written
/// once, where it belongs.
pub(crate) trait PendingReply {
    /// Appends the result to `out` once it is there.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<CallOutcome>;
}
