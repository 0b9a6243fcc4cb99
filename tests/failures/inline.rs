//! Inline calls: their panics, deadlines and callers that leave. None overtakes a waiting call.

use std::time::{Duration, Instant};

use callbox::{Handles, Message};
use callbox_test_support::wait::until;

use crate::harness::{Answer, Asked, Site, Way, both_ways};
use crate::shaky_service::{
    Shaky, Shaky_HoldReading, Shaky_Linger, Shaky_LingerHurried, Shaky_PanicAndKeep, Shaky_PanicReading,
    Shaky_PanicReadingLater, Shaky_PanicWriting, Shaky_ReadTrap, Shaky_ReadTrapLater, Shaky_Set, Shaky_Value, Trap,
    shaky,
};

both_ways! {
    a_panic_of_a_sync_reader_keeps_the_state,
    a_panic_of_a_sync_writer_makes_a_new_state,
    a_panic_of_a_writer_that_says_so_keeps_the_state,
}

/// Makes a call that runs inline. May need some attempts: on a busy machine, short methods look
/// long.
#[track_caller]
fn inline<'a, M: Message>(site: &'a Site<Shaky>, harmless: impl Fn() -> M, call: impl Fn() -> M) -> Asked<'a>
where
    Shaky: Handles<M>,
{
    let begun = || {
        let stats = site.stats(M::NAME);
        (stats.inline, stats.queued)
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        let before = begun();
        assert_eq!(site.call(harmless()).code, 0);
        let known = begun();
        if known.0 == before.0 {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let asked = site.ask(call());
        until("it begins", || begun() != known);
        if begun().0 > known.0 {
            return asked;
        }
        site.probe.let_awaits_go(1);
        asked.answer();
    }
    panic!("{} does not run inline", M::NAME);
}

fn a_panic_of_a_sync_reader_keeps_the_state(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    inline(&site, || Shaky_PanicReading { panics: false }, || Shaky_PanicReading { panics: true })
        .answer()
        .assert_internal();
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(7), 1));
    assert!(site.stats("panic_reading").panicked >= 1);
}

fn a_panic_of_a_sync_writer_makes_a_new_state(way: Way) {
    let site = shaky(way);
    let call = |panics| move || Shaky_PanicWriting { panics };
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    inline(&site, call(false), call(true)).answer().assert_internal();
    assert_eq!(site.call(Shaky_Value {}), Answer::result(0), "never half-way");
    assert_eq!(site.probe.made.get(), 1 + site.stats("panic_writing").panicked);
}

fn a_panic_of_a_writer_that_says_so_keeps_the_state(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    inline(&site, || Shaky_PanicAndKeep { panics: false }, || Shaky_PanicAndKeep { panics: true })
        .answer()
        .assert_internal();
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(7), 1));
    assert!(site.stats("panic_and_keep").panicked >= 1);
}

// In process no async method runs inline: nobody could poll it who does not wait for it.

#[test]
fn a_panic_of_an_async_reader_keeps_the_state() {
    let site = shaky(Way::Http);
    let call = |panics| move || Shaky_PanicReadingLater { panics };
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    inline(&site, call(false), call(true)).answer().assert_internal();
    assert_eq!((site.call(Shaky_Value {}), site.probe.made.get()), (Answer::result(7), 1));
    assert!(site.stats("panic_reading_later").panicked >= 1);
}

/// A writer waits for a reader that runs inline, and the end of that gives it its turn.
fn lets_a_writer_in(site: &Site<Shaky>, ends: impl FnOnce()) {
    let left = site.probe.left.get();
    let queued = site.ask(Shaky_Set { value: 9 });
    site.until_waiting("set", 1);
    ends();
    until("it is dropped", || site.probe.left.get() == left + 1);
    assert_eq!(queued.answer().code, 0, "nobody holds the state");
    assert_eq!(site.call(Shaky_Value {}), Answer::result(9));
}

#[test]
fn a_reader_whose_deadline_passes_is_dropped_at_its_await() {
    let site = shaky(Way::Http);
    let call = |waits| move || Shaky_LingerHurried { waits };
    let reader = inline(&site, call(false), call(true));
    lets_a_writer_in(&site, || assert_eq!(reader.answer().code, -32002));
    assert_eq!(site.stats("linger_hurried").expired, 1);
}

#[test]
fn a_reader_whose_client_leaves_is_dropped_at_its_await() {
    let site = shaky(Way::Http);
    let call = |waits| move || Shaky_Linger { waits };
    let reader = inline(&site, call(false), call(true));
    lets_a_writer_in(&site, || reader.leave());
    until("it is counted", || site.stats("linger").abandoned == 1);
}

#[test]
fn a_reader_that_ends_lets_a_writer_in() {
    let site = shaky(Way::Http);
    let call = |waits| move || Shaky_Linger { waits };
    let reader = inline(&site, call(false), call(true));
    lets_a_writer_in(&site, || {
        site.probe.let_awaits_go(1);
        assert_eq!(reader.answer().code, 0);
    });
}

/// A writer comes to wait while the parameters of a call are read that is about to run inline.
fn does_not_overtake_what_came_meanwhile<M: Message>(call: fn(Trap) -> M)
where
    Shaky: Handles<M>,
{
    let site = shaky(Way::Http);
    let call = || call(Trap { probe: site.probe.id });
    let inline = || site.stats(M::NAME).inline;
    until("it runs inline", || {
        let before = inline();
        assert_eq!(site.call(call()).code, 0);
        inline() > before
    });
    // The host is inside, and shares the state.
    let held = site.ask::<Shaky_HoldReading>(Shaky_HoldReading {});
    site.probe.until_entered(1);
    let (before, service) = (inline(), site.service().clone());
    *site.probe.trap.lock().unwrap() =
        Some(Box::new(move || drop(service.notify::<Shaky_Set>(Shaky_Set { value: 9 }))));
    let asked = site.ask(call());
    site.until_waiting("set", 1);
    until("it is admitted", || inline() > before || site.stats(M::NAME).depth == 1);
    assert_eq!(inline(), before, "it waits, as the writer does");
    site.probe.let_thread_go();
    assert_eq!((held.answer().code, asked.answer().code), (0, 0));
}

#[test]
fn a_sync_call_does_not_overtake_what_came_to_wait_while_its_parameters_were_read() {
    does_not_overtake_what_came_meanwhile(|trap| Shaky_ReadTrap { trap });
}

#[test]
fn an_async_call_does_not_overtake_what_came_to_wait_while_its_parameters_were_read() {
    does_not_overtake_what_came_meanwhile(|trap| Shaky_ReadTrapLater { trap });
}
