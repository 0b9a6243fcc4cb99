//! A method as the dispatcher sees it: parameters in as JSON, a result out as JSON.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::future::LocalBoxFuture;

use crate::jsonrpc::{Budget, RpcError};

use crate::service::{CallContext, Description, Generators, MethodOptions, ServiceId};

/// How a call ended: its result is written where it belongs, or there is an error to be written.
pub(crate) type CallOutcome = Result<(), RpcError>;

/// One callable name.
pub(crate) trait Route: Send + Sync {
    /// As callers write it.
    fn name(&self) -> &'static str;

    /// Access, deadline, documentation.
    fn options(&self) -> &MethodOptions;

    /// Whether it is callbox's own.
    fn is_builtin(&self) -> bool {
        false
    }

    /// Tells the mailboxes of one server apart.
    fn mailbox(&self) -> MailboxId;

    /// Admits the call, reads its parameters, and runs it here or puts it into its mailbox.
    fn start(&self, call: CallContext, params: Option<&str>, context: StartContext<'_>) -> StartResult;

    /// Runs the first of several calls here and now, which have all but their parameters in common, and gives their replies. The
    /// others are yet to be [started](Self::start).
    fn run_series(
        &self,
        _call: CallContext,
        _params: &mut dyn Iterator<Item = Option<&str>>,
    ) -> Box<dyn SeriesReplies> {
        Box::new(())
    }

    /// What callers send and get.
    fn describe(&self, generators: &mut Generators) -> Description;

    /// Records a call that [`start`](Self::start) did not let in, and that waits for room no longer.
    fn reject(&self, call: CallContext, rejection: &Rejection);

    /// Completes when it is worth to look for a slot that has come free since this was called, for a batch of which so many
    /// members wait for it. Before, there was none for this reason.
    fn room(&self, reason: RejectReason, members: usize) -> LocalBoxFuture<'_, ()>;
}

impl fmt::Debug for dyn Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The replies to a series of calls, in their order.
pub(crate) trait SeriesReplies {
    /// How many there are still.
    fn len(&self) -> usize;

    /// Writes the next one's result behind what is in `out`; none if there is none.
    fn write_next(&mut self, budget: &Budget, out: &mut Vec<u8>) -> Option<CallOutcome>;
}

/// None.
impl SeriesReplies for () {
    fn len(&self) -> usize {
        0
    }

    fn write_next(&mut self, _: &Budget, _: &mut Vec<u8>) -> Option<CallOutcome> {
        None
    }
}

/// What the transport allows one call.
#[derive(Debug)]
pub(crate) struct StartContext<'a> {
    /// What the response may still hold.
    pub(crate) budget: &'a Rc<Budget>,
    /// Whether the call may run where it is.
    pub(crate) inline: bool,
    /// The response so far. The result of a call that ends at once goes behind it; that of a notification goes nowhere.
    pub(crate) out: &'a mut Vec<u8>,
}

/// A mailbox, among all services of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MailboxId(pub(crate) ServiceId, pub(crate) usize);

/// A call that was turned away: it never started.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) reason: RejectReason,
    pub(crate) error: RpcError,
}

impl Rejection {
    /// The service is down, or stopping.
    pub(crate) fn unavailable() -> Self {
        Self { reason: RejectReason::Unavailable, error: RpcError::unavailable() }
    }
}

/// Why a call was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectReason {
    /// Its mailbox holds as many calls as it may.
    Full,
    /// Its service holds as many calls as it may.
    ServiceFull,
    /// Its service holds as many bytes of parameters as it may.
    BytesFull,
    /// What waits before it would take longer than it has.
    Hopeless,
    /// It waited, or would have, longer than its method's calls may while there is an overload.
    Overdue,
    /// The service is down, or stopping.
    Unavailable,
    /// Its parameters do not fit the method.
    Params,
    /// Its deadline passed before there was room for it.
    Expired,
}

/// What came of the start of a call.
pub(crate) enum StartResult {
    /// It has ended. A notification has left nothing in the response.
    Done(CallOutcome),
    /// It is a notification, and in its mailbox: nobody need wait.
    Sent,
    /// It is under way; dropping this gives it up.
    Pending(Pin<Box<dyn PendingReply>>),
    /// There is no slot for it. The error is what to answer, unless the caller would rather wait for room. Not counted yet.
    NoRoom(CallContext, Rejection),
}

/// A call that is under way.
///
/// A future, but for this: whoever polls it says where the result belongs, so that it is written there and nowhere before.
pub(crate) trait PendingReply {
    /// Writes the result behind what is in `out`, once it is there.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<CallOutcome>;
}
