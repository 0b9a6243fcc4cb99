//! The limit of the calls that one caller has in a method at once.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::auth::Caller;
use crate::peer::network;
use crate::sync::Mutex;

/// Under what a call is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum CountedCaller {
    /// The name that the authenticator gave the caller.
    Name(Arc<str>),
    /// The address of a client whose caller has no name.
    Peer(IpAddr),
}

/// The calls that wait or run in one method, by their callers.
///
/// A caller is in the table only while it has calls there, so the table is never larger than the
/// number of these calls.
pub(crate) struct CallerLimit {
    /// Maximum number of calls of one caller.
    max: usize,
    callers: Mutex<HashMap<CountedCaller, CallerCalls>>,
}

/// The calls of one caller.
#[derive(Debug, Default)]
struct CallerCalls {
    calls: usize,
    /// Wakes the batches of the caller that wait for one of these calls to end, if any do.
    batches: Option<Arc<Notify>>,
}

/// The place of a call among those of its caller in a method. Given back when this is dropped, if
/// not before.
///
/// A call has none if its method has no limit, or if nobody in particular has made it.
#[derive(Debug, Default)]
pub(crate) struct CallerPlace(Option<Box<Place>>);

struct Place {
    limit: Arc<CallerLimit>,
    caller: CountedCaller,
    is_taken: AtomicBool,
}

impl CallerLimit {
    /// Returns the limit of a method that takes `max` calls of each caller.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, callers: Mutex::default() })
    }

    /// Returns the number of callers that have calls in the method.
    #[cfg(test)]
    pub(crate) fn callers(&self) -> usize {
        self.callers.lock().len()
    }

    /// Returns the maximum number of calls of one caller.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    fn take(&self, caller: &CountedCaller) -> bool {
        let mut callers = self.callers.lock();
        match callers.get_mut(caller) {
            Some(CallerCalls { calls, .. }) if *calls >= self.max => false,
            Some(CallerCalls { calls, .. }) => {
                *calls += 1;
                true
            }
            None => {
                callers.insert(caller.clone(), CallerCalls { calls: 1, batches: None });
                true
            }
        }
    }

    fn release(&self, caller: &CountedCaller) {
        let mut callers = self.callers.lock();
        let Some(of_caller) = callers.get_mut(caller) else { return };
        of_caller.calls -= 1;
        let batches = of_caller.batches.clone();
        let was_last = of_caller.calls == 0;
        if was_last {
            callers.remove(caller);
        }
        drop(callers);
        // A batch takes all the places that it finds, so one is woken for each. After the last call
        // no other will end, and no batch may depend on another to take what is free.
        match batches {
            Some(batches) if was_last => batches.notify_waiters(),
            Some(batches) => batches.notify_one(),
            None => {}
        }
    }
}

impl CallerPlace {
    /// Returns the place of a call of this caller, which came from `peer`. It is not taken yet.
    pub(crate) fn of(limit: &Arc<CallerLimit>, caller: &Caller, peer: Option<IpAddr>) -> Self {
        let by_name = caller.shared_name().map(CountedCaller::Name);
        let counted = by_name.or_else(|| peer.map(network).map(CountedCaller::Peer));
        let place = |caller| Place { limit: Arc::clone(limit), caller, is_taken: AtomicBool::new(false) };
        Self(counted.map(|caller| Box::new(place(caller))))
    }

    /// Takes the place. Returns false if the caller has as many calls as it may.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        self.0.as_ref().is_none_or(|place| place.take())
    }

    /// Gives the place back, if it is taken.
    #[inline]
    pub(crate) fn release(&self) {
        if let Some(place) = &self.0 {
            place.release();
        }
    }

    /// Completes when another call of the caller has ended after this one, so that it is worth
    /// trying again.
    pub(crate) fn room(&self) -> impl Future<Output = ()> + use<> {
        let freed = self.0.as_ref().and_then(|place| {
            let mut callers = place.limit.callers.lock();
            let batches = callers.get_mut(&place.caller)?.batches.get_or_insert_default();
            Some(Arc::clone(batches).notified_owned())
        });
        async move {
            // Without calls of the caller there is room.
            if let Some(freed) = freed {
                freed.await;
            }
        }
    }
}

/// A clone is that of another call, which has no place.
impl Clone for CallerPlace {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Place {
    fn take(&self) -> bool {
        let taken = self.limit.take(&self.caller);
        self.is_taken.store(taken, Ordering::Relaxed);
        taken
    }

    fn release(&self) {
        // Two threads may end a call: one gives it up while the other ends it.
        if self.is_taken.swap(false, Ordering::AcqRel) {
            self.limit.release(&self.caller);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("caller", &self.caller).field("is_taken", &self.is_taken).finish_non_exhaustive()
    }
}

impl fmt::Debug for CallerLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerLimit").field("max", &self.max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use futures::FutureExt;

    use super::*;
    use crate::property_tests::{CASES, check, list};

    fn place(limit: &Arc<CallerLimit>, name: &'static str) -> CallerPlace {
        CallerPlace::of(limit, &Caller::named(name), None)
    }

    #[test]
    fn a_caller_is_counted_by_its_name_else_by_its_address_else_not_at_all() {
        let limit = CallerLimit::new(1);
        let peer = |ip: &str| Some(ip.parse().unwrap());
        let place = |caller: Caller, peer| CallerPlace::of(&limit, &caller, peer);
        let places = [
            (place(Caller::named("ann"), peer("10.0.0.1")), true),
            (place(Caller::named("ann"), peer("10.0.0.2")), false),
            (place(Caller::named("bob"), peer("10.0.0.1")), true),
            (place(Caller::anonymous(), peer("10.0.0.1")), true),
            (place(Caller::token_holder(), peer("10.0.0.1")), false),
            (place(Caller::anonymous(), peer("2001:db8::1")), true),
            (place(Caller::anonymous(), peer("2001:db8::2")), false),
            (place(Caller::anonymous(), None), true),
            (place(Caller::anonymous(), None), true),
        ];
        for (index, (place, expected)) in places.iter().enumerate() {
            assert_eq!(place.take(), *expected, "{index}");
        }
        assert_eq!(limit.callers(), 4);
        drop(places);
        assert_eq!(limit.callers(), 0);
    }

    #[test]
    fn a_place_is_given_back_once_and_a_clone_has_none() {
        let limit = CallerLimit::new(1);
        let (first, second) = (place(&limit, "ann"), place(&limit, "ann"));
        assert!(first.take() && !second.take());
        drop(first.clone());
        assert!(!second.take(), "the clone gave nothing back");
        first.release();
        assert!(second.take());
        drop(first);
        assert!(!place(&limit, "ann").take(), "nor did the first one once more");
    }

    #[test]
    fn batches_of_a_caller_are_woken_by_its_own_calls_one_for_each() {
        let limit = CallerLimit::new(2);
        let [one, two, other] = ["ann", "ann", "bob"].map(|name| place(&limit, name));
        assert!(one.take() && two.take() && other.take());
        let waiting = place(&limit, "ann");
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(waiting.room()));
        let mut ready = || [&mut first, &mut second].map(|room| room.as_mut().now_or_never().is_some());
        assert_eq!(ready(), [false; 2]);
        drop(other);
        assert_eq!(ready(), [false; 2], "of another caller");
        drop(one);
        assert_eq!(ready(), [true, false]);
        let mut third = Box::pin(waiting.room());
        drop(two);
        assert!(second.as_mut().now_or_never().is_some() && third.as_mut().now_or_never().is_some());
        assert!(waiting.room().now_or_never().is_some(), "there are no calls to wait for");
    }

    /// Beside a plain count for each caller.
    #[test]
    fn the_table_has_the_callers_that_have_calls_and_no_others() {
        check(CASES, |u| {
            let steps = list(u, 1, 99, |u| Ok((u.int_in_range(0..=4usize)?, u.int_in_range(0..=9usize)?)))?;
            let limit = CallerLimit::new(3);
            let names = ["a", "b", "c"];
            let (mut held, mut counts) = (Vec::<(usize, CallerPlace)>::new(), HashMap::<usize, usize>::new());
            for (step, pick) in steps {
                if let Some(name) = names.get(step) {
                    let (place, count) = (place(&limit, name), counts.entry(step).or_default());
                    assert_eq!(place.take(), *count < 3);
                    *count = (*count + 1).min(3);
                    held.push((step, place));
                } else if pick < held.len() {
                    let (name, place) = held.swap_remove(pick);
                    let was_taken = place.0.as_ref().is_some_and(|place| place.is_taken.load(Ordering::Relaxed));
                    if step == 3 {
                        place.release();
                    }
                    drop(place);
                    *counts.entry(name).or_default() -= usize::from(was_taken);
                }
                assert_eq!(limit.callers(), counts.values().filter(|count| **count > 0).count());
            }
            drop(held);
            assert_eq!(limit.callers(), 0);
            Ok(())
        });
    }
}
