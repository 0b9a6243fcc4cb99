//! Deadlines that pass while a call is queued or runs.

use callbox_test_support::wait::until;

use crate::harness::{Answer, Ends, Way, both_ways};
use crate::shaky_service::{
    Shaky_ChangeHurried, Shaky_HoldHurried, Shaky_Hurried, Shaky_Linger, Shaky_LingerHurried, Shaky_Set, Shaky_Value,
    shaky,
};

both_ways! {
    in_the_queue_the_error_comes_in_time_and_the_call_never_runs,
    a_reader_under_way_is_dropped_at_its_await,
    a_writer_under_way_finishes_and_its_result_is_discarded,
    a_sync_method_under_way_finishes_and_its_caller_gets_the_error_meanwhile,
    a_notification_has_one_too,
}

fn in_the_queue_the_error_comes_in_time_and_the_call_never_runs(way: Way) {
    let site = shaky(way);
    let held = site.hold(7);
    let kept = site.ask(Shaky_Value {});
    site.until_waiting("value", 1);
    // The deadline timer of the caller has to end the call: the host is inside a method that does
    // not end before the test releases it.
    let Answer { code, data, .. } = site.call(Shaky_Hurried {});
    assert_eq!((code, &data["deadline_ms"]), (-32002, &100.into()));
    assert!(data["queued_ms"].as_u64().is_some_and(|ms| ms >= 100), "all of it in the mailbox: {data}");
    assert_eq!((site.stats("hurried").depth, site.stats("value").depth), (0, 1), "its slot is free");
    site.probe.let_thread_go();
    assert_eq!((held.answer().code, kept.answer()), (0, Answer::result(7)));
    site.wait_idle();
    assert_eq!(site.probe.ran.get(), 1, "only the call that was kept");
    site.assert_ends("hurried", Ends { expired: 1, ..Ends::default() });
    site.assert_ends("value", Ends { answered: 1, ..Ends::default() });
}

fn a_reader_under_way_is_dropped_at_its_await(way: Way) {
    let site = shaky(way);
    let other = site.ask(Shaky_Linger { waits: true });
    let hurried = site.ask(Shaky_LingerHurried { waits: true });
    site.probe.until_entered(2);
    let queued = site.ask(Shaky_Set { value: 9 });
    site.until_waiting("set", 1);
    assert_eq!(hurried.answer().code, -32002);
    until("it is dropped", || site.probe.left.get() == 1);
    assert_eq!(site.stats("set").depth, 1, "the other reader still runs");
    site.probe.let_awaits_go(1);
    assert_eq!((other.answer(), queued.answer().code), (Answer::result(0), 0));
    assert_eq!(site.call(Shaky_Value {}), Answer::result(9));
    site.assert_ends("linger_hurried", Ends { expired: 1, ..Ends::default() });
    site.assert_ends("linger", Ends { answered: 1, ..Ends::default() });
}

fn a_writer_under_way_finishes_and_its_result_is_discarded(way: Way) {
    let site = shaky(way);
    let write = site.ask(Shaky_ChangeHurried { value: 9 });
    site.probe.until_entered(1);
    let queued = site.ask(Shaky_Value {});
    site.until_waiting("value", 1);
    let Answer { code, data, .. } = write.answer();
    assert_eq!((code, &data["deadline_ms"]), (-32002, &400.into()));
    assert_eq!((site.probe.left.get(), site.stats("value").depth), (0, 1), "it still runs");
    site.probe.let_awaits_go(1);
    assert_eq!(queued.answer(), Answer::result(9), "never half-way");
    site.assert_ends("change_hurried", Ends { expired: 1, ..Ends::default() });
}

fn a_sync_method_under_way_finishes_and_its_caller_gets_the_error_meanwhile(way: Way) {
    let site = shaky(way);
    let hold = site.ask(Shaky_HoldHurried { value: 9 });
    site.probe.until_entered(1);
    let queued = site.ask(Shaky_Value {});
    site.until_waiting("value", 1);
    assert_eq!(hold.answer().code, -32002);
    assert_eq!(site.stats("value").depth, 1, "it still runs");
    site.probe.let_thread_go();
    assert_eq!(queued.answer(), Answer::result(9), "never half-way");
    site.assert_ends("hold_hurried", Ends { expired: 1, ..Ends::default() });
}

fn a_notification_has_one_too(way: Way) {
    let site = shaky(way);
    // In the mailbox nobody minds the time of a notification, so it is missed when its turn comes.
    let held = site.hold(7);
    site.notify(Shaky_Hurried {});
    assert_eq!(site.call(Shaky_Hurried {}).code, -32002, "and so has the time of the one before");
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    site.wait_idle();
    assert_eq!(site.probe.ran.get(), 0);
    site.assert_ends("hurried", Ends { expired: 2, ..Ends::default() });

    site.notify(Shaky_LingerHurried { waits: true });
    site.wait_idle();
    assert_eq!(site.probe.left.get(), 1, "dropped at its await");
    site.assert_ends("linger_hurried", Ends { expired: 1, ..Ends::default() });
}
