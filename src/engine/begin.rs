//! The one way in: each call of a service begins here, whatever brought it.

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::jsonrpc::{Budget, Pending, RpcError};
use crate::log::discard;
use crate::mailbox::{Call, Entry, Member};
use crate::measure::Record;
use crate::route::{Rejection, Why};
use crate::service::{ByKind, CallContext, Current, Handler, Handles, Message, Reply};
use crate::sync::Arc;

use super::core::{Core, Placement};
use super::lifecycle::Status;
use super::run::inline::{NotNow, run_here, run_now};
use super::run::series::run_series;

/// A call that comes in.
pub(crate) struct Incoming<'a, M: Message, R> {
    pub(crate) call: CallContext,
    pub(crate) message: Payload<M, R>,
    /// Of its parameters, as they were sent.
    pub(crate) bytes: usize,
    pub(crate) entrance: Entrance,
    /// If a transport answers it.
    pub(crate) batch: Option<Batch<'a, M>>,
}

/// A message, which is read only once its call is let in.
pub(crate) enum Payload<M, R> {
    Unparsed(R),
    Parsed(M),
}

/// Where a call comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// By a transport, whose thread waits for the end of the call.
    Transport {
        /// Whether its thread has time to run it.
        inline: bool,
    },
    /// From a task of this process, which may move from thread to thread.
    Process,
}

/// The response that a call may share with others of its batch.
pub(crate) struct Batch<'a, M: Message> {
    pub(crate) budget: &'a Budget,
    /// Writes a result where the call ran, within what the batch has left for it.
    pub(crate) write: fn(M::Output, &Pending) -> Result<Vec<u8>, RpcError>,
}

/// What came of the begin of a call.
pub(crate) enum Begun<M: Message> {
    /// It ran where it arrived, and has ended.
    Ended(Reply<M>),
    /// It runs where it arrived, as this future is polled.
    Runs(LocalBoxFuture<'static, Reply<M>>),
    /// It is in its mailbox.
    Queued(Arc<Call<M>>),
    /// It was turned away, which is recorded.
    Rejected(Rejection),
    /// There is no room for it. Not recorded: a batch waits for room.
    NoRoom(CallContext, Rejection),
}

/// Begins a call: it runs where it arrived, or goes into its mailbox.
#[inline(always)]
pub(crate) fn begin<S: Handles<M>, M: Message>(
    core: &Arc<Core<S>>,
    entry: &Arc<Entry>,
    incoming: Incoming<'_, M, impl FnOnce() -> Result<M, RpcError>>,
) -> Begun<M> {
    let Incoming { mut call, mut message, bytes, entrance, batch } = incoming;
    if runs_inline::<S, M>(core, entry, &call, entrance) {
        let read = match message.parse() {
            Ok(read) => read,
            Err(error) => return unreadable(entry, call, error),
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
            return turned_away(entry, call, rejection);
        }
    };
    let message = match message.parse() {
        Ok(message) => message,
        Err(error) => return unreadable(entry, call, error),
    };
    let member = batch.filter(|_| !call.notification).and_then(|batch| batch.member());
    let call = Call::new(call, message, permit, entry, member);
    match entrance {
        Entrance::Transport { .. } => core.mailboxes.push_gathered(call.clone()),
        Entrance::Process => core.mailboxes.push(call.clone()),
    }
    Begun::Queued(call)
}

/// The same for the first of several calls of one method, which have all but their messages in
/// common, as far as they run where they arrived. Their replies; the others are yet to begin.
pub(crate) fn begin_series<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &Entry,
    call: CallContext,
    read: impl FnOnce() -> Vec<M>,
) -> Vec<Reply<M>> {
    if S::IS_SYNC && runs_inline::<S, M>(core, entry, &call, Entrance::Transport { inline: true }) {
        run_series(core, entry, call, read())
    } else {
        Vec::new()
    }
}

/// Whether a call runs inline: its method is short and is allowed to, nothing waits, and whoever
/// brought it can wait for its end.
///
/// An async `&self` method can only be polled by the thread that began it. A transport's does so
/// until it ends, but for a notification, of which it has forgotten; and the future of a call from
/// a task may go to another thread, so that call goes to the mailbox.
///
/// To be asked before the message is read. Whether the state is free is seen when it is taken.
#[inline]
fn runs_inline<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &Entry,
    call: &CallContext,
    entrance: Entrance,
) -> bool {
    let has_thread = match entrance {
        Entrance::Transport { inline } => inline && (S::IS_SYNC || S::IS_READ_ASYNC && !call.notification),
        // What a method sends to nobody in particular does not hold it up, nor does it run within it, level below level.
        Entrance::Process => S::IS_SYNC && !(call.notification && Current::is_of_thread(None)),
    };
    has_thread
        && core.placement == Placement::Inline
        && entry.options.inline
        && core.lifecycle.status() == Status::Up
        && !core.quota.anyone_waits()
        && entry.meter.cost.is_short(call.arrived)
}

/// Runs a call where it arrived, unless the state is taken.
#[inline(always)]
fn run_inline<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &Arc<Entry>,
    call: CallContext,
    message: M,
    entrance: Entrance,
) -> Result<Begun<M>, NotNow<M>> {
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
    /// The time. A message from this process has just been given; one from outside has been read.
    fn now(self, call: &CallContext) -> Instant {
        if self == Self::Process { call.arrived } else { Instant::now() }
    }
}

impl<M, R: FnOnce() -> Result<M, RpcError>> Payload<M, R> {
    fn parse(self) -> Result<M, RpcError> {
        match self {
            Self::Unparsed(parse) => parse(),
            Self::Parsed(message) => Ok(message),
        }
    }
}

impl<M: Message> Batch<'_, M> {
    /// What the call knows of its batch on its way through the mailbox; `None` if it is alone.
    fn member(&self) -> Option<Member<M>> {
        let pending = Arc::clone(self.budget.pending()?);
        Some(Member { pending, write: self.write })
    }
}

/// A call that is not let in. A batch waits for room, but not for a service that is not there.
fn turned_away<M: Message>(entry: &Entry, call: CallContext, rejection: Rejection) -> Begun<M> {
    if rejection.why == Why::Unavailable {
        Record::outside(entry, call).reject(&rejection);
        return Begun::Rejected(rejection);
    }
    Begun::NoRoom(call, rejection)
}

/// A call whose message does not fit its method.
fn unreadable<M: Message>(entry: &Entry, call: CallContext, error: RpcError) -> Begun<M> {
    let rejection = Rejection { why: Why::Params, error };
    Record::outside(entry, call).reject(&rejection);
    Begun::Rejected(rejection)
}
