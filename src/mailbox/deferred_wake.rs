//! DeferredWake: calls that come in on one thread at about the same time wake the host once.
//!
//! A thread that has found several requests to read puts one call after another into a mailbox, and to wake the host costs more
//! than most methods. Woken by the first of them it would run that one, tell its caller, and sleep again before the next one is
//! there. So a call that comes from a transport lets whatever else is ready on its thread go first; whichever of them has its next
//! turn first then wakes the host for all.
//!
//! Each call takes that turn: none relies on another, whose connection may be held up. And each thread wakes the host itself, as
//! another one may be held up by what its users do there.

use std::cell::RefCell;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::Poll;

use crate::sync::Arc;

use super::bell::Bell;

/// After so many calls the host may as well begin.
const MAX_DEFERRED: usize = 32;

/// What this thread has put into mailboxes without waking anybody.
#[derive(Debug, Default)]
struct DeferredBells {
    /// Whether the call that is being started wakes the host later.
    defers: bool,
    calls: usize,
    bells: Vec<Arc<Bell>>,
}

thread_local! {
    static DEFERRED: RefCell<DeferredBells> = const { RefCell::new(DeferredBells { defers: false, calls: 0, bells: Vec::new() }) };
}

/// `None` when the thread is about to end and has nothing more to note it in: then it does not gather.
fn with_deferred<R>(work: impl FnOnce(&mut DeferredBells) -> R) -> Option<R> {
    DEFERRED.try_with(|deferred| work(&mut deferred.borrow_mut())).ok()
}

/// A call that is being started, and that wakes the hosts of all deferred calls of this thread afterwards, unless another one has
/// done so by then.
#[derive(Debug)]
pub(crate) struct DeferredWake {
    of_this_thread: PhantomData<*const ()>,
}

impl DeferredWake {
    pub(crate) fn begin() -> Self {
        with_deferred(|deferred| deferred.defers = true);
        Self { of_this_thread: PhantomData }
    }

    /// The call is started. Lets the tasks that are ready on this thread go first, if there is anybody to be woken after them.
    pub(crate) async fn yield_to_others(self) {
        let anybody = with_deferred(|deferred| {
            deferred.defers = false;
            !deferred.bells.is_empty()
        });
        let mut gone = !anybody.unwrap_or(false);
        poll_fn(|cx| {
            if std::mem::replace(&mut gone, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl Drop for DeferredWake {
    fn drop(&mut self) {
        // Taken out before they are rung: whose waker that is, nobody knows here.
        let DeferredBells { mut bells, .. } = with_deferred(std::mem::take).unwrap_or_default();
        bells.drain(..).for_each(|bell| bell.wake());
        // For its room.
        with_deferred(|deferred| {
            if deferred.bells.is_empty() {
                deferred.bells = bells;
            }
        });
    }
}

/// Whether a call for the host behind this bell may be deferred, as it is being started by one that wakes the host later.
pub(crate) fn defer_wake(bell: &Arc<Bell>) -> bool {
    let gathered = with_deferred(|deferred| {
        if !deferred.defers {
            return false;
        }
        if !deferred.bells.iter().any(|known| Arc::ptr_eq(known, bell)) {
            deferred.bells.push(Arc::clone(bell));
        }
        deferred.calls += 1;
        deferred.calls % MAX_DEFERRED != 0
    });
    gathered.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::bell::tests::CountWakes;
    use super::*;

    #[test]
    fn the_first_to_have_its_next_turn_wakes_the_hosts_of_all() {
        let bells = [Arc::new(Bell::new(1)), Arc::new(Bell::new(1))];
        let parked = || bells.each_ref().map(|bell| CountWakes::parked(bell));
        let started = |bell| {
            let call = DeferredWake::begin();
            assert!(defer_wake(bell));
            let mut call = Box::pin(call.yield_to_others());
            assert!(call.as_mut().now_or_never().is_none(), "the others go first");
            call
        };
        assert!(!defer_wake(&bells[0]), "nobody defers");
        let wakes = parked();
        // Kept, and without another turn: its connection is held up.
        let _first = started(&bells[0]);
        let (second, third) = (started(&bells[1]), started(&bells[0]));
        assert!(!defer_wake(&bells[0]), "what is no part of it does not rely on it");
        assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [0, 0]);
        assert!(third.now_or_never().is_some());
        assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [1, 1]);
        let wakes = parked();
        assert!(second.now_or_never().is_some());
        assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [0, 0], "they have been woken");
    }

    #[test]
    fn whatever_ends_a_call_wakes_the_host() {
        let bell = Arc::new(Bell::new(1));
        let wakes = CountWakes::parked(&bell);
        let mut call = Box::pin({
            let call = DeferredWake::begin();
            assert!(defer_wake(&bell));
            call.yield_to_others()
        });
        assert!(call.as_mut().now_or_never().is_none());
        drop(call);
        assert_eq!(wakes.count(), 1);
        assert!(!defer_wake(&bell));
    }

    #[test]
    fn with_nobody_to_wake_no_time_is_lost() {
        assert!(DeferredWake::begin().yield_to_others().now_or_never().is_some());
    }

    #[test]
    fn of_many_calls_some_are_heard_at_once() {
        let bell = Arc::new(Bell::new(1));
        let _first = DeferredWake::begin();
        let heard = (0..3 * MAX_DEFERRED).filter(|_| !defer_wake(&bell)).count();
        assert_eq!(heard, 3);
    }

    #[test]
    fn each_thread_gathers_by_itself() {
        let bell = Arc::new(Bell::new(1));
        let _first = DeferredWake::begin();
        assert!(defer_wake(&bell));
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!defer_wake(&bell)));
        });
    }
}
