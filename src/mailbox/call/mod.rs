//! A call: message, slot, deadline and reply travel together, in one allocation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::jsonrpc::{PendingResults, RpcError};
use crate::log::{Harmless, caught, discard, panic_text};
use crate::measure::{CallEnd, CallRecord, take_cancel};
use crate::route::Rejection;
use crate::service::{CallContext, Message, Reply};
use crate::sync::Arc;
use crate::trace;

use super::backlog::MIN_SAMPLES;
use super::batch_member::{BatchMember, ReadyOutput};
use super::call_state::{CallState, GiveUpResult, LastPhase};
use super::method_entry::MethodEntry;
use super::quota::Permit;
use super::rejection;

/// A reply that waits for its caller.
type ReadyReply<M> = Result<ReadyOutput<<M as Message>::Output>, RpcError>;

/// One call of a method on its way through a mailbox, shared by caller and host.
pub(crate) struct Call<M: Message> {
    head: CallHeader,
    /// Link to its batch, for a member that expects a reply.
    member: Option<BatchMember<M>>,
    /// The message on the way in, the reply on the way out. Both are dropped wherever the call
    /// ends: on the host, or on a caller's thread, which may already be unwinding. So a panic in
    /// their `Drop` must be caught.
    state: CallState<Harmless<M>, Harmless<ReadyReply<M>>>,
}

/// What does not depend on the method's types, so that the code below is compiled once.
struct CallHeader {
    record: CallRecord<Arc<MethodEntry>>,
    /// Size of the parameters, in bytes. They count against the quota, and the slot is taken, until
    /// the call starts or is given up.
    bytes: usize,
}

impl<M: Message> Call<M> {
    /// Creates a call that waits in its mailbox from now on, and may be a member of a batch.
    pub(crate) fn new(
        context: CallContext,
        message: M,
        permit: Permit<'_>,
        entry: &Arc<MethodEntry>,
        member: Option<BatchMember<M>>,
    ) -> Arc<Self> {
        let record = CallRecord::queued(Arc::clone(entry), context);
        let head = CallHeader { record, bytes: permit.hand_over() };
        Arc::new(Self { head, member, state: CallState::new(Harmless::new(message)) })
    }

    pub(crate) fn context(&self) -> &CallContext {
        self.head.record.call()
    }

    pub(crate) fn entry(&self) -> &Arc<MethodEntry> {
        self.head.record.entry()
    }

    /// Whether the call is still in its mailbox.
    pub(crate) fn is_queued(&self) -> bool {
        self.state.is_waiting()
    }

    /// Whether the call has ended, in any way.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_over()
    }

    /// See [`CallState::is_over_or_wakes`].
    pub(crate) fn is_over_or_wakes(&self, cx: &Context<'_>) -> bool {
        self.state.is_over_or_wakes(cx)
    }

    /// For the host: takes the message in order to run it, and frees the slot. Returns `None` if
    /// the call ended while it waited, has no time left, or would produce a result that its batch
    /// cannot hold.
    pub(crate) fn begin(&self, now: Instant) -> Option<M> {
        if self.head.is_too_late(now) {
            self.end(Err(rejection::deadline_error(self.context(), now)), CallEnd::Expired, now).wake();
            return None;
        }
        if self.member.as_ref().is_some_and(|member| member.pending.is_full()) {
            self.end(Err(PendingResults::not_run()), CallEnd::Abandoned, now).wake();
            return None;
        }
        let message = self.state.begin(now)?;
        self.entry().slots.free_on_host(self.head.bytes);
        trace::started(&self.context().trace.0);
        Some(message.into_inner())
    }

    /// Ends the call, unless it has ended before. The caller learns of it when the returned
    /// [`CallerWake`] is used.
    pub(crate) fn end(&self, reply: Reply<M>, end: CallEnd, now: Instant) -> CallerWake {
        let (reply, end) = self.expire_if_late(reply, end, now);
        // Prepared before the state is locked: only the lock says whether this end counts, and then
        // the reply is moved in.
        let error = reply.as_ref().err().cloned();
        let reply = (!self.context().notification).then(|| Harmless::new(self.ready(reply, now)));
        let wake = match self.state.end(reply) {
            None => CallerWake(None),
            Some((last, caller)) => {
                self.head.end(last, end, error.as_ref(), now);
                CallerWake(caller)
            }
        };
        // The method has ended, also if its caller had left before. The caller may send its next
        // call as soon as it is woken, so this comes first.
        self.context().place.release();
        wake
    }

    /// Returns the reply and the end of a call that ended `now`: the deadline error, if the
    /// deadline has passed.
    fn expire_if_late(&self, reply: Reply<M>, end: CallEnd, now: Instant) -> (Reply<M>, CallEnd) {
        expire_if_late(reply, end, self.context(), now, || self.state.runs_since().unwrap_or(now))
    }

    /// Returns the reply in the form in which it waits. A batch limits how much may wait as values.
    fn ready(&self, reply: Reply<M>, now: Instant) -> ReadyReply<M> {
        // Not running any more means that somebody else has ended it: nobody fetches this reply.
        match self.member.as_ref().and_then(|member| Some((member, self.state.runs_since()?))) {
            Some((member, since)) => {
                let _lines = self.context().log_scope();
                member.ready(reply, now.duration_since(since))
            }
            None => reply.map(|output| ReadyOutput::Value(output, None)),
        }
    }

    /// Answers with this rejection if the call has not started.
    pub(crate) fn reject(&self, Rejection { reason, error }: Rejection) {
        let reply = (!self.context().notification).then(|| Harmless::new(Err(error.clone())));
        if let Some(caller) = self.state.end_waiting(reply) {
            self.head.end(LastPhase::Waiting, CallEnd::Rejected(reason), Some(&error), Instant::now());
            CallerWake(caller).wake();
        }
    }

    /// Waits for the reply, until the deadline. Dropping the future gives the call up.
    pub(crate) fn reply(self: Arc<Self>) -> impl Future<Output = Reply<M>> {
        let answer = self.answer();
        async move {
            match answer.await? {
                ReadyOutput::Value(output, _) => Ok(output),
                ReadyOutput::Written(..) => unreachable!("only a member of a batch is written where it ran"),
            }
        }
    }

    /// The same, for the reply as it waits.
    pub(crate) fn answer(self: Arc<Self>) -> impl Future<Output = ReadyReply<M>> {
        let deadline = self.context().deadline;
        // From this call on and not from the first poll: the future may be dropped before it is
        // polled.
        let mut waiting = ReplyFuture { call: self, answered: false };
        async move {
            match tokio::time::timeout_at(deadline, &mut waiting).await {
                Ok((reply, last)) => waiting.call.if_in_time(reply, last),
                Err(_) => waiting.call.expire(),
            }
        }
    }

    /// Returns the reply that the caller finds, or the deadline error if the caller gets to it too
    /// late: the process may have been suspended between the end of the call and now. The clock is
    /// read once more for this, which costs little compared to a reply from another thread.
    fn if_in_time(&self, reply: ReadyReply<M>, last: LastPhase) -> ReadyReply<M> {
        let now = Instant::now();
        if reply.is_ok() && now >= self.context().deadline {
            discard(reply);
            return Err(rejection::deadline_error(self.context(), last.left_mailbox(now)));
        }
        reply
    }

    /// The deadline has passed: returns -32002, unless the call has ended with an error.
    fn expire(&self) -> ReadyReply<M> {
        match self.state.give_up() {
            GiveUpResult::Answered(reply, last) => self.if_in_time(reply.into_inner(), last),
            GiveUpResult::Abandoned(last) => Err(self.head.expire(last)),
            GiveUpResult::AlreadyOver => Err(rejection::deadline_error(self.context(), Instant::now())),
        }
    }
}

impl CallHeader {
    /// Whether the call has no time left, or another call can make better use of it.
    fn is_too_late(&self, now: Instant) -> bool {
        let deadline = self.record.call().deadline;
        now >= deadline || (self.would_end_late(now, deadline) && self.record.entry().slots.used() > 1)
    }

    /// Whether its end would usually come after its deadline.
    ///
    /// A mailbox that is served in order and stays full up to the deadline settles where every call
    /// starts just before its deadline and ends after it: then nobody gets a reply in time. So such
    /// a call is dropped in favour of the next, if there is one.
    fn would_end_late(&self, now: Instant, deadline: Instant) -> bool {
        let cost = &self.record.entry().meter.cost;
        cost.samples() >= MIN_SAMPLES && now + cost.usual() > deadline
    }

    /// Records that the deadline has passed, and returns the error.
    fn expire(&self, last: LastPhase) -> RpcError {
        let now = Instant::now();
        let error = rejection::deadline_error(self.record.call(), last.left_mailbox(now));
        self.end(last, CallEnd::Expired, Some(&error), now);
        error
    }

    /// Frees the slot if the call still had one, and records its end.
    fn end(&self, last: LastPhase, end: CallEnd, error: Option<&RpcError>, now: Instant) {
        let began = match last {
            LastPhase::Waiting => {
                self.record.entry().slots.free(self.bytes);
                None
            }
            LastPhase::RunningSince(since) => Some(since),
        };
        self.record.end(end, error, began.map(|began| (began, now.duration_since(began))), now);
    }
}

/// Returns the reply and the end of a run that ended `now`. If the deadline has passed, both become
/// the deadline error: a late result is never delivered. `began` returns when the call started.
pub(crate) fn expire_if_late<T>(
    reply: Result<T, RpcError>,
    end: CallEnd,
    call: &CallContext,
    now: Instant,
    began: impl FnOnce() -> Instant,
) -> (Result<T, RpcError>, CallEnd) {
    if end != CallEnd::Answered || now < call.deadline || call.notification {
        return (reply, end);
    }
    discard(reply);
    (Err(rejection::deadline_error(call, began())), CallEnd::Expired)
}

impl<M: Message> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("context", self.context()).finish_non_exhaustive()
    }
}

/// The pending wake of a caller whose reply is ready. The scheduler collects these and wakes all
/// callers of a round together.
#[derive(Debug)]
#[must_use = "the caller sleeps until it is woken"]
pub(crate) struct CallerWake(Option<Waker>);

impl CallerWake {
    /// Returns a wake for nobody: the call has no waiting caller.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            wake(waker);
        }
    }

    /// Returns the waker, if somebody waits.
    pub(crate) fn into_waker(self) -> Option<Waker> {
        self.0
    }
}

/// Wakes a caller. The waker belongs to the caller's runtime, which may be anybody's code: if it
/// panics, other callers must be woken all the same.
pub(crate) fn wake(waker: Waker) {
    if let Err(panic) = caught(|| waker.wake()) {
        log_throttled!(ERROR, panic = panic_text(&*panic), "a caller could not be woken");
        discard(panic);
    }
}

/// The caller's side of a call: completes with the reply, and gives the call up if it is dropped
/// before.
struct ReplyFuture<M: Message> {
    call: Arc<Call<M>>,
    answered: bool,
}

impl<M: Message> Future for ReplyFuture<M> {
    type Output = (ReadyReply<M>, LastPhase);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = self.call.state.poll_reply(cx);
        self.answered = reply.is_ready();
        reply.map(|(reply, last)| (reply.into_inner(), last))
    }
}

impl<M: Message> Drop for ReplyFuture<M> {
    fn drop(&mut self) {
        if !self.answered
            && let GiveUpResult::Abandoned(last) = self.call.state.give_up()
        {
            self.call.context().cancelled.set();
            let end = if take_cancel() { CallEnd::Cancelled } else { CallEnd::Abandoned };
            self.call.head.end(last, end, None, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
