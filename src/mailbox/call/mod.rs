//! A call: message, slot, deadline and reply travel together, in one allocation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::jsonrpc::{Pending, RpcError};
use crate::log::{Harmless, caught, discard, panic_text};
use crate::measure::{End, Record};
use crate::route::Rejection;
use crate::service::{CallContext, Message, Reply};
use crate::sync::Arc;

use super::entry::Entry;
use super::member::{Member, Ready};
use super::policy::KNOWN;
use super::quota::Permit;
use super::rejection;
use super::stage::{GivenUp, Stage, Was};

/// A reply that waits for its caller.
type ReadyReply<M> = Result<Ready<<M as Message>::Output>, RpcError>;

/// One call of a method on its way through a mailbox, shared by caller and host.
pub(crate) struct Call<M: Message> {
    head: Head,
    /// If it is a member of a batch, and no notification.
    member: Option<Member<M>>,
    /// Message and reply are dropped wherever the call ends: on the host, or on a caller's thread, which may be about to unwind.
    stage: Stage<Harmless<M>, Harmless<ReadyReply<M>>>,
}

/// What is the same for calls of all methods.
struct Head {
    record: Record<Arc<Entry>>,
    /// Of its parameters. They are counted, and its place is taken, until it starts or is given up.
    bytes: usize,
}

impl<M: Message> Call<M> {
    /// A call that waits in its mailbox from now on, and may be a member of a batch.
    pub(crate) fn new(
        context: CallContext,
        message: M,
        permit: Permit<'_>,
        entry: &Arc<Entry>,
        member: Option<Member<M>>,
    ) -> Arc<Self> {
        let record = Record::queued(Arc::clone(entry), context);
        let head = Head { record, bytes: permit.hand_over() };
        Arc::new(Self { head, member, stage: Stage::new(Harmless::new(message)) })
    }

    pub(crate) fn context(&self) -> &CallContext {
        self.head.record.call()
    }

    pub(crate) fn entry(&self) -> &Arc<Entry> {
        self.head.record.entry()
    }

    /// Whether it waits to be started.
    pub(crate) fn is_queued(&self) -> bool {
        self.stage.is_waiting()
    }

    /// Whether it has ended, in whatever way.
    pub(crate) fn is_over(&self) -> bool {
        self.stage.is_over()
    }

    /// See [`Stage::is_over_or_wakes`].
    pub(crate) fn is_over_or_wakes(&self, cx: &Context<'_>) -> bool {
        self.stage.is_over_or_wakes(cx)
    }

    /// For the host: takes the message to run it, and frees the place. `None` if the call has ended while it waited, or has no time left.
    pub(crate) fn begin(&self, now: Instant) -> Option<M> {
        if self.head.is_too_late(now) {
            self.end(Err(rejection::deadline(self.context(), now)), End::Expired, now).wake();
            return None;
        }
        if self.member.as_ref().is_some_and(|member| member.pending.is_full()) {
            self.end(Err(Pending::not_run()), End::Abandoned, now).wake();
            return None;
        }
        let message = self.stage.begin(now)?;
        self.entry().places.free_on_host(self.head.bytes);
        Some(message.into_inner())
    }

    /// Ends the call, unless it has ended before. The caller learns of it when the [`Release`] says so.
    pub(crate) fn end(&self, reply: Reply<M>, end: End, now: Instant) -> Release {
        let (reply, end) = self.in_time(reply, end, now);
        // Known only afterwards whether this is the end, and then the reply is gone.
        let error = reply.as_ref().err().cloned();
        let reply = (!self.context().notification).then(|| Harmless::new(self.ready(reply, now)));
        match self.stage.end(reply) {
            None => Release(None),
            Some((was, caller)) => {
                self.head.end(was, end, error.as_ref(), now);
                Release(caller)
            }
        }
    }

    /// The reply and the end of a call that ended `now`: its deadline, if that has passed.
    fn in_time(&self, reply: Reply<M>, end: End, now: Instant) -> (Reply<M>, End) {
        in_time(reply, end, self.context(), now, || self.stage.runs_since().unwrap_or(now))
    }

    /// The reply as it waits for the caller. A batch limits what waits for it.
    fn ready(&self, reply: Reply<M>, now: Instant) -> ReadyReply<M> {
        // Nobody waits for it if it does not run any more.
        match self.member.as_ref().and_then(|member| Some((member, self.stage.runs_since()?))) {
            Some((member, since)) => member.ready(reply, now.duration_since(since)),
            None => reply.map(|output| Ready::Value(output, None)),
        }
    }

    /// Answers with this rejection if the call has not started.
    pub(crate) fn turn_away(&self, Rejection { why, error }: Rejection) {
        let reply = (!self.context().notification).then(|| Harmless::new(Err(error.clone())));
        if let Some(caller) = self.stage.end_waiting(reply) {
            self.head.end(Was::Waiting, End::Rejected(why), Some(&error), Instant::now());
            Release(caller).wake();
        }
    }

    /// Waits for the answer, until the deadline. Dropped early, it gives the call up.
    pub(crate) fn reply(self: Arc<Self>) -> impl Future<Output = Reply<M>> {
        let answer = self.answer();
        async move {
            match answer.await? {
                Ready::Value(output, _) => Ok(output),
                Ready::Written(..) => unreachable!("only a member of a batch is written where it ran"),
            }
        }
    }

    /// The same, as the answer waits.
    pub(crate) fn answer(self: Arc<Self>) -> impl Future<Output = ReadyReply<M>> {
        let deadline = self.context().deadline;
        // From now on and not from the first poll: it may be dropped before.
        let mut waiting = Waiting { call: self, answered: false };
        async move {
            match tokio::time::timeout_at(deadline, &mut waiting).await {
                Ok((reply, was)) => waiting.call.if_in_time(reply, was),
                Err(_) => waiting.call.expire(),
            }
        }
    }

    /// The answer that the caller finds, unless it comes too late to it: between a call's end and here the process may have
    /// been stopped. The clock is read for it, which is little beside the way of the answer from another thread.
    fn if_in_time(&self, reply: ReadyReply<M>, was: Was) -> ReadyReply<M> {
        let now = Instant::now();
        if reply.is_ok() && now >= self.context().deadline {
            discard(reply);
            return Err(rejection::deadline(self.context(), was.left_mailbox(now)));
        }
        reply
    }

    /// The deadline has passed: -32002, unless the call has ended with an error.
    fn expire(&self) -> ReadyReply<M> {
        match self.stage.give_up() {
            GivenUp::Answered(reply, was) => self.if_in_time(reply.into_inner(), was),
            GivenUp::While(was) => Err(self.head.expire(was)),
            GivenUp::Over => Err(rejection::deadline(self.context(), Instant::now())),
        }
    }
}

impl Head {
    /// Whether there is no time left, or another call can use it better.
    fn is_too_late(&self, now: Instant) -> bool {
        let deadline = self.record.call().deadline;
        now >= deadline || (self.would_end_late(now, deadline) && self.record.entry().places.used() > 1)
    }

    /// Whether its end would usually come after its deadline.
    ///
    /// A mailbox that is served in order and filled up to the deadline settles where each call starts just before its deadline
    /// and ends after it, and then nobody gets an answer in time: so such a call gives its time to the next, if there is one.
    fn would_end_late(&self, now: Instant, deadline: Instant) -> bool {
        let cost = &self.record.entry().meter.cost;
        cost.samples() >= KNOWN && now + cost.usual() > deadline
    }

    /// The deadline has passed: what is to be said of it, which is recorded.
    fn expire(&self, was: Was) -> RpcError {
        let now = Instant::now();
        let error = rejection::deadline(self.record.call(), was.left_mailbox(now));
        self.end(was, End::Expired, Some(&error), now);
        error
    }

    /// Frees the place if the call still had one, and records its end.
    fn end(&self, was: Was, end: End, error: Option<&RpcError>, now: Instant) {
        let began = match was {
            Was::Waiting => {
                self.record.entry().places.free(self.bytes);
                None
            }
            Was::RunningSince(since) => Some(since),
        };
        self.record.end(end, error, began.map(|began| (began, now.duration_since(began))), now);
    }
}

/// The reply and the end of a run that ended `now`: its deadline, if that has passed, as nobody is
/// answered with a result then. `began` tells when the call started.
pub(crate) fn in_time<T>(
    reply: Result<T, RpcError>,
    end: End,
    call: &CallContext,
    now: Instant,
    began: impl FnOnce() -> Instant,
) -> (Result<T, RpcError>, End) {
    if end != End::Answered || now < call.deadline || call.notification {
        return (reply, end);
    }
    discard(reply);
    (Err(rejection::deadline(call, began())), End::Expired)
}

impl<M: Message> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("context", self.context()).finish_non_exhaustive()
    }
}

/// An answer that is ready and not yet told. The scheduler collects these and tells them together.
#[derive(Debug)]
#[must_use = "the caller sleeps until it is woken"]
pub(crate) struct Release(Option<Waker>);

impl Release {
    /// Nobody waits for the answer.
    pub(crate) fn nobody() -> Self {
        Self(None)
    }

    pub(crate) fn wake(self) {
        if let Some(waker) = self.0 {
            wake(waker);
        }
    }

    /// The waker of whoever waits, if somebody does.
    pub(crate) fn into_waker(self) -> Option<Waker> {
        self.0
    }
}

/// Wakes a caller. Whose runtime that is, is the program's affair: if it panics, others must be woken all the same.
pub(crate) fn wake(waker: Waker) {
    if let Err(panic) = caught(|| waker.wake()) {
        log_seldom!(ERROR, panic = panic_text(&*panic), "a caller could not be woken");
        discard(panic);
    }
}

/// The caller's side of a call.
struct Waiting<M: Message> {
    call: Arc<Call<M>>,
    answered: bool,
}

impl<M: Message> Future for Waiting<M> {
    type Output = (ReadyReply<M>, Was);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = self.call.stage.poll_reply(cx);
        self.answered = reply.is_ready();
        reply.map(|(reply, was)| (reply.into_inner(), was))
    }
}

impl<M: Message> Drop for Waiting<M> {
    fn drop(&mut self) {
        if !self.answered
            && let GivenUp::While(was) = self.call.stage.give_up()
        {
            self.call.head.end(was, End::Abandoned, None, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
