//! Deferred wakes: requests that arrive on one thread at about the same time wake the host once.
//!
//! A thread that finds several requests to read pushes one call after another into a mailbox, and a
//! wake of the host costs more than most methods run. Woken by the first call, the host would run
//! it, wake its caller, and be asleep again before the second call is there. So a call from a
//! transport lets the other ready tasks of its thread run first. Whichever of these calls is polled
//! next wakes the host for all of them.
//!
//! Every call yields once by itself, and does not depend on another call, whose connection may
//! stall. Every thread wakes the host itself, because user code may block another thread.

use std::cell::RefCell;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::Poll;

use crate::sync::Arc;

use super::bell::Bell;

/// Number of calls after which the host is woken at once: that is enough work to begin with.
const MAX_DEFERRED: usize = 32;

/// The hosts for which this thread has queued calls without waking them.
#[derive(Debug, Default)]
struct DeferredBells {
    /// Whether the call that is being started wakes the host later.
    defers: bool,
    calls: usize,
    bells: Vec<Arc<Bell>>,
}

thread_local! {
    static DEFERRED: RefCell<DeferredBells> =
        const { RefCell::new(DeferredBells { defers: false, calls: 0, bells: Vec::new() }) };
}

/// Returns `None` while the thread shuts down and its thread-local values are gone: then no wake is
/// deferred.
fn with_deferred<R>(work: impl FnOnce(&mut DeferredBells) -> R) -> Option<R> {
    DEFERRED.try_with(|deferred| work(&mut deferred.borrow_mut())).ok()
}

/// Guard of a call that is being started. When it is dropped, it wakes the hosts of all calls that
/// this thread has queued without a wake, unless another guard has done so already.
#[derive(Debug)]
pub(crate) struct DeferredWake {
    /// Makes the guard `!Send`: the deferred bells are those of this thread.
    of_this_thread: PhantomData<*const ()>,
}

impl DeferredWake {
    pub(crate) fn begin() -> Self {
        with_deferred(|deferred| deferred.defers = true);
        Self { of_this_thread: PhantomData }
    }

    /// Lets the tasks that are ready on this thread run first, if there is a host to wake after
    /// them. Call this when the call has been started.
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
        // Taken out before they are rung: a bell runs a waker, which may be the user's code and may
        // come back here.
        let DeferredBells { mut bells, .. } = with_deferred(std::mem::take).unwrap_or_default();
        bells.drain(..).for_each(|bell| bell.wake());
        // Keeps the allocation for the next burst.
        with_deferred(|deferred| {
            if deferred.bells.is_empty() {
                deferred.bells = bells;
            }
        });
    }
}

/// Returns whether the wake of the host behind this bell can be deferred, because the call that is
/// being started wakes it later. One call in [`MAX_DEFERRED`] is not deferred.
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
    fn the_first_call_that_is_polled_again_wakes_all_hosts() {
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
        // Kept and not polled again: its connection stalls.
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
    fn a_call_wakes_the_host_however_it_ends() {
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
    fn without_a_host_to_wake_nothing_is_yielded() {
        assert!(DeferredWake::begin().yield_to_others().now_or_never().is_some());
    }

    #[test]
    fn every_32nd_call_wakes_the_host_at_once() {
        let bell = Arc::new(Bell::new(1));
        let _first = DeferredWake::begin();
        let heard = (0..3 * MAX_DEFERRED).filter(|_| !defer_wake(&bell)).count();
        assert_eq!(heard, 3);
    }

    #[test]
    fn each_thread_defers_its_own_wakes() {
        let bell = Arc::new(Bell::new(1));
        let _first = DeferredWake::begin();
        assert!(defer_wake(&bell));
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!defer_wake(&bell)));
        });
    }
}
