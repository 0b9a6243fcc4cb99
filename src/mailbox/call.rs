//! A call: message, slot, deadline and reply travel together, in one allocation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::service::{CallContext, Method, Reply};
use crate::sync::{Arc, Mutex};

use super::entry::Entry;
use super::meter::End;
use super::policy::KNOWN;
use super::quota::Slot;
use super::refusal;

/// One call of a method on its way through a mailbox.
///
/// Caller and host share it. Each step is taken under one lock, so the first to say how the call ends has the last word: a
/// caller that has given up is never run, and one that was answered in time is not told of a deadline.
pub(crate) struct Call<M: Method> {
    context: CallContext,
    entry: Arc<Entry>,
    stage: Mutex<Stage<M>>,
}

enum Stage<M: Method> {
    /// In the mailbox. The slot goes with the message.
    Queued { message: M, slot: Slot, caller: Option<Waker> },
    /// Taken by the host. `runner` is the future that runs it, to be told when nobody waits any more.
    Running { since: Instant, caller: Option<Waker>, runner: Option<Waker> },
    /// Ended, and the caller has not looked yet.
    Answered(Reply<M>),
    /// Nothing is left to do.
    Settled,
}

impl<M: Method> Call<M> {
    /// A call that waits in its mailbox from now on.
    pub(crate) fn new(context: CallContext, message: M, mut slot: Slot, entry: Arc<Entry>) -> Arc<Self> {
        slot.starts_to_wait();
        entry.meter.counters.queued.add();
        Arc::new(Self { context, entry, stage: Mutex::new(Stage::Queued { message, slot, caller: None }) })
    }

    pub(crate) fn context(&self) -> &CallContext {
        &self.context
    }

    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// Takes the message to run it, and frees the slot. `None` if the call has ended while it waited, or has no time left.
    pub(crate) fn begin(&self, now: Instant) -> Option<M> {
        if now >= self.context.deadline || self.would_end_late(now) {
            self.end(Err(refusal::deadline(&self.context, now)), End::Expired, now).wake();
            return None;
        }
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, Stage::Settled) {
            Stage::Queued { message, slot, caller } => {
                *stage = Stage::Running { since: now, caller, runner: None };
                drop(stage);
                // It is given back outside of the lock.
                drop(slot);
                Some(message)
            }
            other => {
                *stage = other;
                None
            }
        }
    }

    /// Whether its end would usually come after its deadline while others wait behind it.
    ///
    /// A full mailbox that is served in order settles where each call starts just before its deadline and ends after it, and
    /// then nobody gets an answer in time: so such a call gives its time to the next.
    fn would_end_late(&self, now: Instant) -> bool {
        let cost = &self.entry.meter.cost;
        now + cost.usual() > self.context.deadline
            && cost.samples() >= KNOWN
            && matches!(&*self.stage.lock(), Stage::Queued { slot, .. } if slot.others_wait())
    }

    /// Ends the call, unless it has ended before. The caller learns of it when the [`Release`] says so.
    pub(crate) fn end(&self, reply: Reply<M>, end: End, now: Instant) -> Release {
        let mut stage = self.stage.lock();
        let (caller, queued, ran) = match std::mem::replace(&mut *stage, Stage::Settled) {
            Stage::Queued { caller, .. } => (caller, now.duration_since(self.context.arrived), None),
            Stage::Running { since, caller, .. } => {
                (caller, since.duration_since(self.context.arrived), Some(now.duration_since(since)))
            }
            ended => {
                *stage = ended;
                return Release(None);
            }
        };
        self.entry.meter.ended(&self.context, end, reply.as_ref().err(), queued, ran);
        if !self.context.notification {
            *stage = Stage::Answered(reply);
        }
        Release(caller)
    }

    /// For the future that runs the call: whether nobody waits for its end any more. If somebody does, the future is woken
    /// when that changes.
    pub(crate) fn is_over_or_wakes(&self, cx: &mut Context<'_>) -> bool {
        match &mut *self.stage.lock() {
            Stage::Running { runner, .. } => {
                if !runner.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    *runner = Some(cx.waker().clone());
                }
                false
            }
            _ => true,
        }
    }

    /// Whether it has ended, in whatever way.
    pub(crate) fn is_over(&self) -> bool {
        matches!(&*self.stage.lock(), Stage::Answered(_) | Stage::Settled)
    }

    /// The caller stops to wait.
    fn abandon(&self) {
        let mut stage = self.stage.lock();
        let before = std::mem::replace(&mut *stage, Stage::Settled);
        drop(stage);
        match before {
            Stage::Queued { .. } => {
                self.entry.meter.ended(&self.context, End::Abandoned, None, self.context.arrived.elapsed(), None);
            }
            Stage::Running { since, runner, .. } => {
                let queued = since.duration_since(self.context.arrived);
                self.entry.meter.ended(&self.context, End::Abandoned, None, queued, Some(since.elapsed()));
                if let Some(runner) = runner {
                    runner.wake();
                }
            }
            Stage::Answered(_) | Stage::Settled => {}
        }
    }

    /// The deadline has passed: -32002, unless an answer was there first.
    fn expire(&self) -> Reply<M> {
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, Stage::Settled) {
            Stage::Answered(reply) => reply,
            Stage::Queued { .. } => {
                drop(stage);
                let error = refusal::deadline(&self.context, Instant::now());
                self.entry.meter.ended(&self.context, End::Expired, Some(&error), self.context.arrived.elapsed(), None);
                Err(error)
            }
            Stage::Running { since, runner, .. } => {
                drop(stage);
                let error = refusal::deadline(&self.context, since);
                let queued = since.duration_since(self.context.arrived);
                self.entry.meter.ended(&self.context, End::Expired, Some(&error), queued, Some(since.elapsed()));
                if let Some(runner) = runner {
                    runner.wake();
                }
                Err(error)
            }
            Stage::Settled => Err(refusal::deadline(&self.context, Instant::now())),
        }
    }

    /// Waits for the answer, until the deadline. Dropped early, it gives the call up.
    pub(crate) async fn reply(self: Arc<Self>) -> Reply<M> {
        let deadline = self.context.deadline;
        let mut waiting = Waiting(self);
        match tokio::time::timeout_at(deadline, &mut waiting).await {
            Ok(reply) => reply,
            Err(_) => waiting.0.expire(),
        }
    }

    /// Whether it waits to be started.
    pub(crate) fn is_queued(&self) -> bool {
        matches!(&*self.stage.lock(), Stage::Queued { .. })
    }

    /// Answers -32003 if the call has not started.
    pub(crate) fn turn_away(&self) {
        if self.is_queued() {
            self.end(Err(RpcError::unavailable()), End::Refused, Instant::now()).wake();
        }
    }
}

impl<M: Method> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("context", &self.context).finish_non_exhaustive()
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
            waker.wake();
        }
    }

    /// The waker of whoever waits, if somebody does.
    pub(crate) fn into_waker(self) -> Option<Waker> {
        self.0
    }
}

/// The caller's side of a call.
struct Waiting<M: Method>(Arc<Call<M>>);

impl<M: Method> Future for Waiting<M> {
    type Output = Reply<M>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply<M>> {
        let mut stage = self.0.stage.lock();
        match &mut *stage {
            Stage::Queued { caller, .. } | Stage::Running { caller, .. } => {
                if !caller.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                    *caller = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            Stage::Answered(_) => match std::mem::replace(&mut *stage, Stage::Settled) {
                Stage::Answered(reply) => Poll::Ready(reply),
                _ => Poll::Pending,
            },
            Stage::Settled => Poll::Pending,
        }
    }
}

impl<M: Method> Drop for Waiting<M> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use callbox::service;

    use super::super::entry::Charge;
    use super::super::{Bell, Limit, Quota};
    use super::*;
    use crate::auth::Caller;
    use crate::service::MethodOptions;

    struct Mill;

    #[service(name = "mill")]
    impl Mill {
        #[public_method]
        fn grind(&self) {}
    }

    #[test]
    fn a_call_that_would_end_late_gives_its_time_to_those_who_wait_behind_it() {
        let entry = Arc::new(Entry::new::<Grind>("grind".into(), MethodOptions::public(), 0, Arc::<Charge>::default()));
        let (quota, mailbox) = (Quota::new(9, 9, Arc::new(Bell::new(1))), Arc::new(Limit::new(9)));
        let arrived = Instant::now();
        let deadline = arrived + Duration::from_secs(60);
        let call = || {
            let (method, caller) = (Arc::clone(&entry.name), Caller::anonymous());
            let context = CallContext { method, caller, arrived, deadline, notification: false, chain: None };
            Call::new(context, Grind {}, quota.take(&mailbox, 0).unwrap(), Arc::clone(&entry))
        };
        let usual = Duration::from_millis(30);
        let late = deadline - usual / 2;

        let (behind, unknown) = (call(), call());
        assert!(unknown.begin(late).is_some(), "nobody knows yet how long it takes");
        (0..KNOWN).for_each(|_| entry.meter.cost.ran(usual, arrived));
        assert!(call().begin(deadline - usual * 2).is_some(), "there is time enough");
        let first = call();
        assert!(first.begin(late).is_none() && first.is_over());
        drop(behind);
        let last = call();
        assert!(last.begin(late).is_some(), "nobody else would gain from its time");
    }
}
