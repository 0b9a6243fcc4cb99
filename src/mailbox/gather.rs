//! Gathering: calls that come in on one thread at about the same time wake the host once.
//!
//! A thread that has found several requests to read puts one call after another into a mailbox, and to wake the host costs more
//! than most methods. Woken by the first of them it would run that one, tell its caller, and sleep again before the next one is
//! there. So a call that comes from a transport lets whatever else is ready on its thread go first, and then wakes the host for all.
//!
//! Each thread wakes the host itself: none relies on another, which may be held up by what its users do there.

use std::cell::RefCell;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::Poll;

use crate::sync::Arc;

use super::bell::Bell;

/// After so many calls the host may as well begin.
const MOST: usize = 32;

/// What this thread has put into mailboxes without waking anybody.
#[derive(Debug, Default)]
struct Unheard {
    gathers: bool,
    calls: usize,
    bells: Vec<Arc<Bell>>,
}

thread_local! {
    static UNHEARD: RefCell<Unheard> = const { RefCell::new(Unheard { gathers: false, calls: 0, bells: Vec::new() }) };
}

/// `None` when the thread is about to end and has nothing more to note it in: then it does not gather.
fn with_unheard<R>(work: impl FnOnce(&mut Unheard) -> R) -> Option<R> {
    UNHEARD.try_with(|unheard| work(&mut unheard.borrow_mut())).ok()
}

/// While there is one, this thread gathers. The first one wakes the hosts when it is dropped; others meanwhile do nothing.
#[derive(Debug)]
pub(crate) struct Gathering {
    first: bool,
    of_this_thread: PhantomData<*const ()>,
}

impl Gathering {
    pub(crate) fn begin() -> Self {
        let first = with_unheard(|unheard| !std::mem::replace(&mut unheard.gathers, true)).unwrap_or(false);
        Self { first, of_this_thread: PhantomData }
    }

    /// Lets the tasks that are ready on this thread go first, if there is anybody to be woken after them.
    pub(crate) async fn others_first(self) {
        let anybody = self.first && with_unheard(|unheard| !unheard.bells.is_empty()).unwrap_or(false);
        let mut gone = !anybody;
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

impl Drop for Gathering {
    fn drop(&mut self) {
        if !self.first {
            return;
        }
        // Taken out before they are rung: whose waker that is, nobody knows here.
        let Unheard { mut bells, .. } = with_unheard(std::mem::take).unwrap_or_default();
        bells.drain(..).for_each(|bell| bell.wake());
        // For its room.
        with_unheard(|unheard| {
            if unheard.bells.is_empty() {
                unheard.bells = bells;
            }
        });
    }
}

/// Whether a call for the host behind this bell may be unheard, as this thread gathers and wakes it later.
pub(crate) fn is_gathered(bell: &Arc<Bell>) -> bool {
    let gathered = with_unheard(|unheard| {
        if !unheard.gathers {
            return false;
        }
        if !unheard.bells.iter().any(|known| Arc::ptr_eq(known, bell)) {
            unheard.bells.push(Arc::clone(bell));
        }
        unheard.calls += 1;
        unheard.calls % MOST != 0
    });
    gathered.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::bell::tests::CountWakes;
    use super::*;

    #[test]
    fn the_first_of_a_thread_wakes_the_hosts_of_all_when_the_others_had_a_go() {
        let bells = [Arc::new(Bell::new(1)), Arc::new(Bell::new(1))];
        let wakes = [CountWakes::parked(&bells[0]), CountWakes::parked(&bells[1])];
        let woken = || [wakes[0].count(), wakes[1].count()];
        assert!(!is_gathered(&bells[0]), "nobody gathers");

        let first = Gathering::begin();
        assert!(is_gathered(&bells[0]));
        let mut first = Box::pin(first.others_first());
        assert!(first.as_mut().now_or_never().is_none());
        for bell in [&bells[0], &bells[1]] {
            let second = Gathering::begin();
            assert!(is_gathered(bell));
            assert!(second.others_first().now_or_never().is_some(), "the first one wakes the host");
        }
        assert_eq!(woken(), [0, 0]);
        assert!(first.now_or_never().is_some());
        assert_eq!(woken(), [1, 1]);
        assert!(!is_gathered(&bells[0]));
    }

    #[test]
    fn whatever_ends_the_first_one_wakes_the_hosts() {
        let bell = Arc::new(Bell::new(1));
        let wakes = CountWakes::parked(&bell);
        let mut first = Box::pin({
            let first = Gathering::begin();
            assert!(is_gathered(&bell));
            first.others_first()
        });
        assert!(first.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(wakes.count(), 1);
        assert!(!is_gathered(&bell));
    }

    #[test]
    fn with_nobody_to_wake_no_time_is_lost() {
        assert!(Gathering::begin().others_first().now_or_never().is_some());
    }

    #[test]
    fn of_many_calls_some_are_heard_at_once() {
        let bell = Arc::new(Bell::new(1));
        let _first = Gathering::begin();
        let heard = (0..3 * MOST).filter(|_| !is_gathered(&bell)).count();
        assert_eq!(heard, 3);
    }

    #[test]
    fn each_thread_gathers_by_itself() {
        let bell = Arc::new(Bell::new(1));
        let _first = Gathering::begin();
        assert!(is_gathered(&bell));
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!is_gathered(&bell)));
        });
    }
}
