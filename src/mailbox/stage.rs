//! How far a call has come: the one place where caller and host meet.

use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::sync::Mutex;

/// The stage of one call: its work `W` on the way in, its reply `R` on the way out.
///
/// Each step is taken under one lock, so the first to say how the call ends has the last word: a call that was given up never
/// starts, one that was answered in time is not told of a deadline, and no reply is given twice.
pub(crate) struct Stage<W, R> {
    step: Mutex<Step<W, R>>,
}

enum Step<W, R> {
    /// In the mailbox.
    Waits { work: W, caller: Option<Waker> },
    /// Taken by the host. `runner` is the future that runs it, to be told when nobody waits any more.
    Runs { since: Instant, caller: Option<Waker>, runner: Option<Waker> },
    /// Ended, and the caller has not looked yet.
    Answered(R, Was),
    /// Nothing is left to do.
    Over,
}

/// Where a call was when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    Waiting,
    RunningSince(Instant),
}

impl Was {
    /// When it left its mailbox: `now` if it has not.
    pub(crate) fn left_mailbox(self, now: Instant) -> Instant {
        if let Self::RunningSince(since) = self { since } else { now }
    }
}

/// What a caller finds that gives its call up.
pub(crate) enum GivenUp<R> {
    /// It had not ended.
    While(Was),
    /// It had its answer, and where it was before.
    Answered(R, Was),
    /// It was over.
    Over,
}

impl<W, R> Stage<W, R> {
    pub(crate) fn new(work: W) -> Self {
        Self { step: Mutex::new(Step::Waits { work, caller: None }) }
    }

    /// Whether it waits to be started.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(&*self.step.lock(), Step::Waits { .. })
    }

    /// Whether it has ended, in whatever way.
    pub(crate) fn is_over(&self) -> bool {
        matches!(&*self.step.lock(), Step::Answered(..) | Step::Over)
    }

    /// Since when it runs, if it does.
    pub(crate) fn runs_since(&self) -> Option<Instant> {
        if let Step::Runs { since, .. } = &*self.step.lock() { Some(*since) } else { None }
    }

    /// Takes the work, to run it now. `None` if the call has ended while it waited.
    pub(crate) fn begin(&self, now: Instant) -> Option<W> {
        let mut step = self.step.lock();
        match std::mem::replace(&mut *step, Step::Over) {
            Step::Waits { work, caller } => {
                *step = Step::Runs { since: now, caller, runner: None };
                Some(work)
            }
            other => {
                *step = other;
                None
            }
        }
    }

    /// Ends the call, unless it has ended before: then `None`. Otherwise where it was, and whom to wake.
    pub(crate) fn end(&self, reply: Option<R>) -> Option<(Was, Option<Waker>)> {
        let mut step = self.step.lock();
        // What the call leaves behind is dropped outside of the lock: it may be a user's value.
        let (was, caller, _work) = match std::mem::replace(&mut *step, Step::Over) {
            Step::Waits { work, caller } => (Was::Waiting, caller, Some(work)),
            Step::Runs { since, caller, .. } => (Was::RunningSince(since), caller, None),
            ended => {
                *step = ended;
                return None;
            }
        };
        if let Some(reply) = reply {
            *step = Step::Answered(reply, was);
        }
        drop(step);
        Some((was, caller))
    }

    /// Ends the call if it still waits: `None` if it has started, or has ended before. Otherwise whom to wake.
    pub(crate) fn end_waiting(&self, reply: Option<R>) -> Option<Option<Waker>> {
        let mut step = self.step.lock();
        // In one step with the look: the host may be about to start it.
        let over = reply.map_or(Step::Over, |reply| Step::Answered(reply, Was::Waiting));
        match std::mem::replace(&mut *step, over) {
            Step::Waits { work, caller } => {
                drop(step);
                // Outside of the lock: it may be a user's value.
                drop(work);
                Some(caller)
            }
            other => {
                let unused = std::mem::replace(&mut *step, other);
                drop(step);
                drop(unused);
                None
            }
        }
    }

    /// For the caller: it waits no more, and wants to know what it has missed. The future that runs the call is told.
    pub(crate) fn give_up(&self) -> GivenUp<R> {
        let before = std::mem::replace(&mut *self.step.lock(), Step::Over);
        match before {
            Step::Waits { .. } => GivenUp::While(Was::Waiting),
            Step::Runs { since, runner, .. } => {
                if let Some(runner) = runner {
                    runner.wake();
                }
                GivenUp::While(Was::RunningSince(since))
            }
            Step::Answered(reply, was) => GivenUp::Answered(reply, was),
            Step::Over => GivenUp::Over,
        }
    }

    /// For the future that runs the call: whether nobody waits for its end any more. If somebody does, the future is woken
    /// when that changes.
    pub(crate) fn is_over_or_wakes(&self, cx: &Context<'_>) -> bool {
        match &mut *self.step.lock() {
            Step::Runs { runner, .. } => {
                remember(runner, cx);
                false
            }
            _ => true,
        }
    }

    /// For the caller: the reply, once, and where the call was before.
    pub(crate) fn poll_reply(&self, cx: &Context<'_>) -> Poll<(R, Was)> {
        let mut step = self.step.lock();
        match &mut *step {
            Step::Waits { caller, .. } | Step::Runs { caller, .. } => {
                remember(caller, cx);
                Poll::Pending
            }
            Step::Answered(..) => match std::mem::replace(&mut *step, Step::Over) {
                Step::Answered(reply, was) => Poll::Ready((reply, was)),
                _ => Poll::Pending,
            },
            Step::Over => Poll::Pending,
        }
    }
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(stage: &Stage<u8, u8>) -> Poll<(u8, Was)> {
        stage.poll_reply(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_call_waits_runs_and_is_answered_once() {
        let (stage, now) = (Stage::new(1), Instant::now());
        assert!(poll(&stage).is_pending() && stage.is_waiting());
        assert_eq!((stage.begin(now), stage.begin(now)), (Some(1), None));
        assert!(poll(&stage).is_pending() && !stage.is_waiting() && !stage.is_over());
        assert_eq!(stage.end(Some(2)).map(|(was, _)| was), Some(Was::RunningSince(now)));
        assert!(stage.end(Some(3)).is_none(), "the first has the last word");
        assert_eq!(poll(&stage), Poll::Ready((2, Was::RunningSince(now))));
        assert!(poll(&stage).is_pending(), "no reply is given twice");
    }

    #[test]
    fn a_call_that_was_given_up_never_starts() {
        let stage: Stage<u8, u8> = Stage::new(1);
        assert!(matches!(stage.give_up(), GivenUp::While(Was::Waiting)));
        assert_eq!(stage.begin(Instant::now()), None);
        assert!(stage.end(Some(2)).is_none());
        assert!(matches!(stage.give_up(), GivenUp::Over));
    }

    #[test]
    fn only_a_call_that_waits_can_be_ended_as_one() {
        let stage = Stage::new(1);
        assert!(stage.end_waiting(Some(2)).is_some() && stage.begin(Instant::now()).is_none());
        assert_eq!(poll(&stage), Poll::Ready((2, Was::Waiting)));
        let (stage, now) = (Stage::new(1), Instant::now());
        assert!(stage.begin(now).is_some() && stage.end_waiting(Some(2)).is_none());
        assert!(stage.end(Some(3)).is_some() && stage.end_waiting(Some(2)).is_none());
        assert_eq!(poll(&stage), Poll::Ready((3, Was::RunningSince(now))));
    }

    #[test]
    fn a_caller_that_gives_up_too_late_finds_its_answer() {
        let stage: Stage<u8, u8> = Stage::new(1);
        stage.end(Some(2));
        assert!(matches!(stage.give_up(), GivenUp::Answered(2, Was::Waiting)));
    }
}
