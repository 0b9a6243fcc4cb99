//! The state of a call, in which caller and host meet.

use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::sync::Mutex;

/// The state of one call: its work `W` on the way in, its reply `R` on the way out.
///
/// Each transition happens under one lock, so the first to end the call wins: a call that was given
/// up never starts, a call that was answered in time does not expire, and a reply is delivered
/// once.
pub(crate) struct CallState<W, R> {
    phase: Mutex<CallPhase<W, R>>,
}

enum CallPhase<W, R> {
    /// In its mailbox. `caller` wakes the task that waits for the reply.
    Waiting { work: W, caller: Option<Waker> },
    /// Running on the host or on the worker pool. `runner` wakes the future that runs the call
    /// when nobody waits for the reply any more.
    Running { since: Instant, caller: Option<Waker>, runner: Option<Waker> },
    /// Ended, with a reply that the caller has not fetched yet.
    Answered(R, LastPhase),
    /// Ended, with nothing left to do.
    Finished,
}

/// The phase that a call was in when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastPhase {
    Waiting,
    RunningSince(Instant),
}

impl LastPhase {
    /// Returns when the call left its mailbox: `now` if it was still in it.
    pub(crate) fn left_mailbox(self, now: Instant) -> Instant {
        if let Self::RunningSince(since) = self { since } else { now }
    }
}

/// What a caller finds when it gives up its call.
pub(crate) enum GiveUpResult<R> {
    /// The call had not ended; giving it up ended it.
    Abandoned(LastPhase),
    /// The reply was already there.
    Answered(R, LastPhase),
    /// The call was already over.
    AlreadyOver,
}

impl<W, R> CallState<W, R> {
    pub(crate) fn new(work: W) -> Self {
        Self { phase: Mutex::new(CallPhase::Waiting { work, caller: None }) }
    }

    /// Whether the call is still in its mailbox.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(&*self.phase.lock(), CallPhase::Waiting { .. })
    }

    /// Whether the call has ended, in any way.
    pub(crate) fn is_over(&self) -> bool {
        matches!(&*self.phase.lock(), CallPhase::Answered(..) | CallPhase::Finished)
    }

    /// Returns when the call started, if it is running.
    pub(crate) fn runs_since(&self) -> Option<Instant> {
        if let CallPhase::Running { since, .. } = &*self.phase.lock() { Some(*since) } else { None }
    }

    /// Takes the work in order to run it now. Returns `None` if the call ended while it waited.
    pub(crate) fn begin(&self, now: Instant) -> Option<W> {
        let mut phase = self.phase.lock();
        match std::mem::replace(&mut *phase, CallPhase::Finished) {
            CallPhase::Waiting { work, caller } => {
                *phase = CallPhase::Running { since: now, caller, runner: None };
                Some(work)
            }
            other => {
                *phase = other;
                None
            }
        }
    }

    /// Ends the call. Returns `None` if it had ended before, otherwise its last phase and the waker
    /// of the caller.
    pub(crate) fn end(&self, reply: Option<R>) -> Option<(LastPhase, Option<Waker>)> {
        let mut phase = self.phase.lock();
        // What the call leaves behind is dropped outside of the lock: it may be a user's value,
        // whose `Drop` may do anything.
        let (last, caller, _work) = match std::mem::replace(&mut *phase, CallPhase::Finished) {
            CallPhase::Waiting { work, caller } => (LastPhase::Waiting, caller, Some(work)),
            CallPhase::Running { since, caller, .. } => (LastPhase::RunningSince(since), caller, None),
            ended => {
                *phase = ended;
                return None;
            }
        };
        if let Some(reply) = reply {
            *phase = CallPhase::Answered(reply, last);
        }
        drop(phase);
        Some((last, caller))
    }

    /// Ends the call if it is still in its mailbox, and returns the waker of the caller. Returns
    /// `None` if it has started or has ended before.
    pub(crate) fn end_waiting(&self, reply: Option<R>) -> Option<Option<Waker>> {
        let mut phase = self.phase.lock();
        // One step under the lock, not a look and then a write: the host may be about to start the
        // call.
        let over = reply.map_or(CallPhase::Finished, |reply| CallPhase::Answered(reply, LastPhase::Waiting));
        match std::mem::replace(&mut *phase, over) {
            CallPhase::Waiting { work, caller } => {
                drop(phase);
                // Outside of the lock: it may be a user's value.
                drop(work);
                Some(caller)
            }
            other => {
                let unused = std::mem::replace(&mut *phase, other);
                drop(phase);
                drop(unused);
                None
            }
        }
    }

    /// For the caller: gives the call up, and returns what it has missed. Wakes the future that
    /// runs the call, so that it can stop.
    pub(crate) fn give_up(&self) -> GiveUpResult<R> {
        let before = std::mem::replace(&mut *self.phase.lock(), CallPhase::Finished);
        match before {
            CallPhase::Waiting { .. } => GiveUpResult::Abandoned(LastPhase::Waiting),
            CallPhase::Running { since, runner, .. } => {
                if let Some(runner) = runner {
                    runner.wake();
                }
                GiveUpResult::Abandoned(LastPhase::RunningSince(since))
            }
            CallPhase::Answered(reply, last) => GiveUpResult::Answered(reply, last),
            CallPhase::Finished => GiveUpResult::AlreadyOver,
        }
    }

    /// For the future that runs the call: returns whether nobody waits for its end any more. If
    /// somebody does, the future is woken when that changes.
    pub(crate) fn is_over_or_wakes(&self, cx: &Context<'_>) -> bool {
        match &mut *self.phase.lock() {
            CallPhase::Running { runner, .. } => {
                remember(runner, cx);
                false
            }
            _ => true,
        }
    }

    /// For the caller: polls for the reply, which is delivered once, with the last phase of the
    /// call.
    pub(crate) fn poll_reply(&self, cx: &Context<'_>) -> Poll<(R, LastPhase)> {
        let mut phase = self.phase.lock();
        match &mut *phase {
            CallPhase::Waiting { caller, .. } | CallPhase::Running { caller, .. } => {
                remember(caller, cx);
                Poll::Pending
            }
            CallPhase::Answered(..) => match std::mem::replace(&mut *phase, CallPhase::Finished) {
                CallPhase::Answered(reply, last) => Poll::Ready((reply, last)),
                _ => Poll::Pending,
            },
            CallPhase::Finished => Poll::Pending,
        }
    }
}

/// Stores the waker of this task, unless it is stored already: a clone of a waker is an atomic
/// operation, and futures are often polled without news.
fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(state: &CallState<u8, u8>) -> Poll<(u8, LastPhase)> {
        state.poll_reply(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_call_waits_runs_and_is_answered_once() {
        let (state, now) = (CallState::new(1), Instant::now());
        assert!(poll(&state).is_pending() && state.is_waiting());
        assert_eq!((state.begin(now), state.begin(now)), (Some(1), None));
        assert!(poll(&state).is_pending() && !state.is_waiting() && !state.is_over());
        assert_eq!(state.end(Some(2)).map(|(last, _)| last), Some(LastPhase::RunningSince(now)));
        assert!(state.end(Some(3)).is_none(), "the first has the last word");
        assert_eq!(poll(&state), Poll::Ready((2, LastPhase::RunningSince(now))));
        assert!(poll(&state).is_pending(), "no reply is given twice");
    }

    #[test]
    fn a_call_that_was_given_up_never_starts() {
        let state: CallState<u8, u8> = CallState::new(1);
        assert!(matches!(state.give_up(), GiveUpResult::Abandoned(LastPhase::Waiting)));
        assert_eq!(state.begin(Instant::now()), None);
        assert!(state.end(Some(2)).is_none());
        assert!(matches!(state.give_up(), GiveUpResult::AlreadyOver));
    }

    #[test]
    fn only_a_waiting_call_can_be_ended_as_waiting() {
        let state = CallState::new(1);
        assert!(state.end_waiting(Some(2)).is_some() && state.begin(Instant::now()).is_none());
        assert_eq!(poll(&state), Poll::Ready((2, LastPhase::Waiting)));
        let (state, now) = (CallState::new(1), Instant::now());
        assert!(state.begin(now).is_some() && state.end_waiting(Some(2)).is_none());
        assert!(state.end(Some(3)).is_some() && state.end_waiting(Some(2)).is_none());
        assert_eq!(poll(&state), Poll::Ready((3, LastPhase::RunningSince(now))));
    }

    #[test]
    fn a_caller_that_gives_up_too_late_finds_its_reply() {
        let state: CallState<u8, u8> = CallState::new(1);
        state.end(Some(2));
        assert!(matches!(state.give_up(), GiveUpResult::Answered(2, LastPhase::Waiting)));
    }
}
