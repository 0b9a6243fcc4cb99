//! Panics, in each kind of method.

use crate::harness::{Answer, Asked, Ends, Site, Way, both_ways};
use crate::shaky_service::{
    Shaky, Shaky_Grind, Shaky_HoldReading, Shaky_Linger, Shaky_PanicAndKeep, Shaky_PanicComputing, Shaky_PanicReading,
    Shaky_PanicReadingLater, Shaky_PanicWriting, Shaky_PanicWritingLater, Shaky_Set, Shaky_Value, shaky,
};

both_ways! {
    of_a_sync_reader_keep_the_state_and_all_other_calls,
    of_an_async_reader_keep_the_state_and_all_other_calls,
    on_the_worker_pool_keep_the_state_and_all_other_calls,
    of_a_sync_writer_make_a_new_state_and_lose_no_queued_call,
    of_an_async_writer_make_a_new_state_and_lose_no_queued_call,
    of_a_writer_that_says_so_keep_the_state,
    of_notifications_are_counted_and_heal_like_those_of_calls,
}

fn of_a_sync_reader_keep_the_state_and_all_other_calls(way: Way) {
    beside_others(way, "panic_reading", |site| site.ask(Shaky_PanicReading { panics: true }));
}

fn of_an_async_reader_keep_the_state_and_all_other_calls(way: Way) {
    beside_others(way, "panic_reading_later", |site| site.ask(Shaky_PanicReadingLater { panics: true }));
}

fn on_the_worker_pool_keep_the_state_and_all_other_calls(way: Way) {
    beside_others(way, "panic_computing", |site| site.ask(Shaky_PanicComputing {}));
}

/// A panic of a call that shares the state, with one call under way and others waiting.
fn beside_others(way: Way, method: &str, panics: impl Fn(&Site<Shaky>) -> Asked<'_>) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    let under_way = site.ask(Shaky_Linger { waits: true });
    site.probe.until_entered(1);
    let held = site.ask(Shaky_HoldReading {});
    site.probe.until_entered(2);
    let panics: Vec<_> = (0..3).map(|_| panics(&site)).collect();
    site.until_waiting(method, 3);
    let queued: Vec<_> = (0..20).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 20);
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    panics.into_iter().for_each(|call| call.answer().assert_internal());
    assert!(queued.into_iter().all(|call| call.answer() == Answer::result(7)));
    site.probe.let_awaits_go(1);
    assert_eq!((under_way.answer(), site.probe.made.get()), (Answer::result(7), 1));
    site.assert_ends(method, Ends { panicked: 3, ..Ends::default() });
    site.assert_ends("value", Ends { answered: 20, ..Ends::default() });
    site.assert_ends("linger", Ends { answered: 1, ..Ends::default() });
}

fn of_a_sync_writer_make_a_new_state_and_lose_no_queued_call(way: Way) {
    alone(way, "panic_writing", |site| site.ask(Shaky_PanicWriting { panics: true }));
}

fn of_an_async_writer_make_a_new_state_and_lose_no_queued_call(way: Way) {
    alone(way, "panic_writing_later", |site| site.ask(Shaky_PanicWritingLater {}));
}

/// A panic of a call that is alone with the state: no other of the service runs, but on the pool.
fn alone(way: Way, method: &str, panics: impl Fn(&Site<Shaky>) -> Asked<'_>) {
    let site = shaky(way);
    let computing = site.ask(Shaky_Grind { probe: site.probe.id });
    site.probe.until_entered(1);
    let held = site.hold(7);
    let panics = panics(&site);
    site.until_waiting(method, 1);
    let queued: Vec<_> = (0..50).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 50);
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    panics.answer().assert_internal();
    let queued: Vec<_> = queued.into_iter().map(Asked::answer).collect();
    let (before, after) = (Answer::result(7), Answer::result(0));
    assert!(queued.iter().all(|answer| *answer == before || *answer == after), "never half-way: {queued:?}");
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (after, 2), "a new state");
    site.probe.let_pool_go(1);
    assert_eq!(computing.answer().code, 0);
    site.assert_ends(method, Ends { panicked: 1, ..Ends::default() });
    site.assert_ends("value", Ends { answered: 51, ..Ends::default() });
}

fn of_a_writer_that_says_so_keep_the_state(way: Way) {
    let site = shaky(way);
    let held = site.hold(7);
    let panics = site.ask(Shaky_PanicAndKeep { panics: true });
    site.until_waiting("panic_and_keep", 1);
    let queued: Vec<_> = (0..20).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 20);
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    panics.answer().assert_internal();
    assert!(queued.into_iter().all(|call| call.answer() == Answer::result(7)));
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(7), 1));
    site.assert_ends("panic_and_keep", Ends { panicked: 1, ..Ends::default() });
}

fn of_notifications_are_counted_and_heal_like_those_of_calls(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    site.notify(Shaky_PanicReading { panics: true });
    site.notify(Shaky_PanicReadingLater { panics: true });
    site.notify(Shaky_PanicComputing {});
    site.notify(Shaky_PanicAndKeep { panics: true });
    site.wait_idle();
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(7), 1));
    site.notify(Shaky_PanicWriting { panics: true });
    site.notify(Shaky_PanicWritingLater {});
    site.wait_idle();
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(0), 3));
    let methods = [
        "panic_reading",
        "panic_reading_later",
        "panic_computing",
        "panic_and_keep",
        "panic_writing",
        "panic_writing_later",
    ];
    for method in methods {
        site.assert_ends(method, Ends { panicked: 1, ..Ends::default() });
    }
}
