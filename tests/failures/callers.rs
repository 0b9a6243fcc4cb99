//! Callers that leave before their answer.

use callbox_test_support::wait::until;

use crate::harness::{Answer, Asked, Ends, Way, both_ways};
use crate::shaky_service::{Shaky_Change, Shaky_Hold, Shaky_Linger, Shaky_Set, Shaky_Value, shaky};

both_ways! {
    a_call_whose_caller_leaves_while_it_waits_never_runs,
    a_reader_whose_caller_leaves_is_dropped_at_its_await,
    a_writer_whose_caller_leaves_finishes_and_its_result_is_discarded,
    a_sync_method_whose_caller_leaves_finishes,
}

fn a_call_whose_caller_leaves_while_it_waits_never_runs(way: Way) {
    let site = shaky(way);
    let held = site.hold(7);
    let leaving: Vec<_> = (0..10).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 10);
    let kept = site.ask(Shaky_Value {});
    site.until_waiting("value", 11);
    leaving.into_iter().for_each(Asked::leave);
    site.until_waiting("value", 1);
    site.probe.let_thread_go();
    assert_eq!((held.answer().code, kept.answer()), (0, Answer::result(7)));
    site.wait_idle();
    assert_eq!(site.probe.ran.get(), 1, "only for the caller that stayed");
    site.assert_ends("value", Ends { answered: 1, abandoned: 10, ..Ends::default() });
}

fn a_reader_whose_caller_leaves_is_dropped_at_its_await(way: Way) {
    let site = shaky(way);
    let other = site.ask(Shaky_Linger { waits: true });
    let leaving = site.ask(Shaky_Linger { waits: true });
    site.probe.until_entered(2);
    let queued = site.ask(Shaky_Set { value: 9 });
    site.until_waiting("set", 1);
    leaving.leave();
    until("it is dropped", || site.probe.left.get() == 1);
    site.assert_ends("linger", Ends { abandoned: 1, ..Ends::default() });
    assert_eq!(site.stats("set").depth, 1, "the other reader still runs");
    site.probe.let_awaits_go(1);
    assert_eq!((other.answer(), queued.answer().code), (Answer::result(0), 0));
    assert_eq!(site.call(Shaky_Value {}), Answer::result(9));
    site.assert_ends("linger", Ends { answered: 1, abandoned: 1, ..Ends::default() });
}

fn a_writer_whose_caller_leaves_finishes_and_its_result_is_discarded(way: Way) {
    let site = shaky(way);
    let leaving = site.ask(Shaky_Change { value: 9 });
    site.probe.until_entered(1);
    let queued = site.ask(Shaky_Value {});
    site.until_waiting("value", 1);
    leaving.leave();
    site.assert_ends("change", Ends { abandoned: 1, ..Ends::default() });
    assert_eq!((site.probe.left.get(), site.stats("value").depth), (0, 1), "it still runs");
    site.probe.let_awaits_go(1);
    assert_eq!(queued.answer(), Answer::result(9), "never half-way");
    site.wait_idle();
    site.assert_ends("change", Ends { abandoned: 1, ..Ends::default() });
}

fn a_sync_method_whose_caller_leaves_finishes(way: Way) {
    let site = shaky(way);
    let leaving = site.ask(Shaky_Hold { value: 9 });
    site.probe.until_entered(1);
    let queued = site.ask(Shaky_Value {});
    site.until_waiting("value", 1);
    leaving.leave();
    site.assert_ends("hold", Ends { abandoned: 1, ..Ends::default() });
    assert_eq!(site.stats("value").depth, 1, "it still runs");
    site.probe.let_thread_go();
    assert_eq!(queued.answer(), Answer::result(9), "never half-way");
    site.wait_idle();
    site.assert_ends("hold", Ends { abandoned: 1, ..Ends::default() });
}
