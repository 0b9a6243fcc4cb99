//! The one way in: every call of a service begins here, whatever its source.
//!
//! A call runs inline, on the thread where it arrives, or it is admitted and put into its mailbox.
//! [`runs_inline`] is the rule for that.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::jsonrpc::{PendingResults, ResponseBudget, RpcError};
use crate::log::discard;
use crate::mailbox::{BatchMember, Call, MethodEntry};
use crate::measure::CallRecord;
use crate::route::{RejectReason, Rejection};
use crate::service::{ByKind, CallContext, Current, Handler, Handles, Message, Reply};
use crate::sync::Arc;

use super::core::{Core, Placement};
use super::lifecycle::Status;
use super::read::read;
use super::run::inline::{Deferred, run_here, run_now};
use super::run::queued::queued;
use super::run::series::run_series;

/// A call that has arrived.
pub(crate) struct NewCall<'a, M: Message> {
    pub(crate) call: CallContext,
    pub(crate) message: Payload<'a, M>,
    /// Size of its parameters as they were sent, and of the headers that it keeps, in bytes.
    pub(crate) bytes: usize,
    pub(crate) entrance: Entrance,
    /// Set if a transport writes the response.
    pub(crate) batch: Option<BatchContext<'a, M>>,
}

/// The message of a call. It is parsed only once the call is admitted, so that rejecting it is
/// cheap.
pub(crate) enum Payload<'a, M> {
    /// The parameters.
    Unparsed(Option<&'a str>),
    Parsed(M),
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A transport, whose thread waits for the end of the call.
    Transport {
        /// Whether the thread may run the call.
        inline: bool,
    },
    /// A task of this process, which may move between threads.
    Process,
}

/// The response that a call may share with other members of its batch.
pub(crate) struct BatchContext<'a, M: Message> {
    pub(crate) budget: &'a ResponseBudget,
    /// Writes a result on the thread where the call ran, within what is left of the response limit
    /// of the batch.
    pub(crate) write: fn(M::Output, &PendingResults) -> Result<Vec<u8>, RpcError>,
}

/// The result of [`begin`].
pub(crate) enum Begun<M: Message> {
    /// The call ran inline and has ended.
    Ended(Reply<M>),
    /// The call runs inline, as this future is polled.
    Runs(LocalBoxFuture<'static, Reply<M>>),
    /// The call is in its mailbox.
    Queued(Arc<Call<M>>),
    /// The call was rejected, and that is recorded.
    Rejected(Rejection),
    /// There is no room for the call. Not recorded yet, because a batch waits for room.
    NoRoom(Box<(CallContext, Rejection)>),
}

/// Begins a call: runs it inline or puts it into its mailbox.
#[inline(always)]
pub(crate) fn begin<S: Handles<M>, M: Message>(
    core: &Arc<Core<S>>,
    entry: &Arc<MethodEntry>,
    incoming: NewCall<'_, M>,
) -> Begun<M> {
    let NewCall { mut call, mut message, bytes, entrance, batch } = incoming;
    if let Err(rejection) = core.admission.admit_caller(entry, &call) {
        discard(message);
        return Begun::NoRoom(Box::new((call, rejection)));
    }
    if runs_inline::<S, M>(core, entry, &call, entrance) {
        let read = match message.parse() {
            Ok(read) => read,
            Err(error) => return invalid_params(entry, call, error),
        };
        match run_inline(core, entry, call, read, entrance) {
            Ok(begun) => return begun,
            Err((back, read)) => (call, message) = (back, Payload::Parsed(read)),
        }
    }
    let admitted = if core.lifecycle.status().admits() {
        core.admission.admit(entry, &call, bytes, entrance.now(&call))
    } else {
        Err(Rejection::unavailable())
    };
    let permit = match admitted {
        Ok(permit) => permit,
        Err(rejection) => {
            discard(message);
            return not_admitted(entry, call, rejection);
        }
    };
    let message = match message.parse() {
        Ok(message) => message,
        Err(error) => return invalid_params(entry, call, error),
    };
    let member = batch.filter(|_| !call.notification).and_then(|batch| batch.member());
    let call = Call::new(call, message, permit, entry, member);
    match entrance {
        Entrance::Transport { .. } => core.mailboxes.push_deferred(queued::<S, M>(call.clone())),
        Entrance::Process => core.mailboxes.push(queued::<S, M>(call.clone())),
    }
    Begun::Queued(call)
}

/// Runs the first of several calls of one method inline, one after the other in one turn of at most
/// `longest`. They differ only in their messages.
///
/// Returns the replies of those that ran. The others are yet to begin.
pub(crate) fn begin_series<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &MethodEntry,
    call: CallContext,
    longest: Duration,
    read: impl FnOnce() -> Vec<M>,
) -> Vec<Reply<M>> {
    if S::IS_SYNC && runs_inline::<S, M>(core, entry, &call, Entrance::Transport { inline: true }) {
        run_series(core, entry, call, longest, read())
    } else {
        Vec::new()
    }
}

/// Whether a call runs inline: its method is short and allows it, the service is up, no call waits,
/// and the thread of the caller can wait for its end.
///
/// An async `&self` method must be polled by the thread that began it. The thread of a transport
/// does that until the call ends, except for a notification, which it does not wait for. The future
/// of a call from a task may move to another thread, so such a call goes to the mailbox.
///
/// Call this before parsing the message. Whether the state is free shows when it is taken.
#[inline]
fn runs_inline<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &MethodEntry,
    call: &CallContext,
    entrance: Entrance,
) -> bool {
    let has_thread = match entrance {
        Entrance::Transport { inline } => inline && (S::IS_SYNC || S::IS_READ_ASYNC && !call.notification),
        // A notification that a method sends does not run within that method: it would hold the
        // method up, and a chain of notifications would nest without a bound.
        Entrance::Process => S::IS_SYNC && !(call.notification && Current::is_of_thread(None)),
    };
    has_thread
        && core.placement == Placement::Inline
        && entry.options.inline
        && core.lifecycle.status() == Status::Up
        && !core.quota.anyone_waits()
        && entry.meter.cost.is_short(call.arrived)
}

/// Runs a call inline. Returns it if the state is taken.
#[expect(clippy::result_large_err, reason = "a call that goes on to its mailbox, which a box would cost an allocation")]
#[inline(always)]
fn run_inline<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &Arc<MethodEntry>,
    call: CallContext,
    message: M,
    entrance: Entrance,
) -> Result<Begun<M>, Deferred<M>> {
    if S::IS_SYNC {
        let now = entrance.now(&call);
        run_now(core, entry, call, message, now).map(Begun::Ended)
    } else if S::IS_READ_ASYNC
        && let Handler::ReadAsync(method) = S::HANDLER
    {
        run_here(core, entry, call, message, method).map(Begun::Runs)
    } else {
        Err((call, message))
    }
}

impl Entrance {
    /// Returns the current time. A call from this process has only just arrived; parsing one from
    /// outside has taken time.
    fn now(self, call: &CallContext) -> Instant {
        if self == Self::Process { call.arrived } else { Instant::now() }
    }
}

impl<M: Message> Payload<'_, M> {
    fn parse(self) -> Result<M, RpcError> {
        match self {
            Self::Unparsed(params) => read(params),
            Self::Parsed(message) => Ok(message),
        }
    }
}

impl<M: Message> BatchContext<'_, M> {
    /// Returns what the call carries of its batch through the mailbox; `None` if it is alone.
    fn member(&self) -> Option<BatchMember<M>> {
        let pending = Arc::clone(self.budget.pending()?);
        Some(BatchMember { pending, write: self.write })
    }
}

/// Ends a call that was not admitted. A batch waits for room, but not for a service that is down.
fn not_admitted<M: Message>(entry: &MethodEntry, call: CallContext, rejection: Rejection) -> Begun<M> {
    if rejection.reason == RejectReason::Unavailable {
        CallRecord::outside(entry, call).reject(&rejection);
        return Begun::Rejected(rejection);
    }
    // A call that waits for a slot does not keep others of its caller away.
    call.place.release();
    Begun::NoRoom(Box::new((call, rejection)))
}

/// Ends a call whose parameters do not fit its method.
fn invalid_params<M: Message>(entry: &MethodEntry, call: CallContext, error: RpcError) -> Begun<M> {
    let rejection = Rejection { reason: RejectReason::Params, error };
    CallRecord::outside(entry, call).reject(&rejection);
    Begun::Rejected(rejection)
}
