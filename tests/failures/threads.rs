//! Hosts that lose their thread.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callbox_test_support::wait::until;

use crate::harness::{Answer, Asked, Ends, Site, Way, both_ways};
use crate::shaky_service::{
    Shaky, Shaky_Grind, Shaky_Linger, Shaky_LoseThread, Shaky_LoseThreadWriting, Shaky_Set, Shaky_Value, shaky,
};

both_ways! {
    under_a_reader_the_state_is_kept_and_what_waits_may_be_retried,
    under_an_async_writer_the_state_is_new_and_what_waits_may_be_retried,
    calls_that_have_begun_and_made_no_step_get_an_error_too,
    the_worker_pool_still_runs,
    while_the_service_stops_the_hook_still_sees_the_state,
}

fn under_a_reader_the_state_is_kept_and_what_waits_may_be_retried(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    let under_way: Vec<_> = (0..3).map(|_| site.ask(Shaky_Linger { waits: true })).collect();
    site.probe.until_entered(3);
    let loses = site.ask(Shaky_LoseThread {});
    site.probe.until_entered(4);
    let queued: Vec<_> = (0..20).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 20);
    site.notify(Shaky_Value {});
    site.probe.let_thread_go();
    assert_eq!(loses.answer().code, 0, "the thread ends after it");
    under_way.into_iter().for_each(|call| call.answer().assert_internal());
    let may_be_retried = queued.into_iter().map(Asked::answer).filter(|answer| answer.code == -32003).count() as u64;
    assert_eq!((retried(&site), site.probe.made.get()), (Answer::result(7), 1));
    site.assert_ends("linger", Ends { panicked: 3, ..Ends::default() });
    assert_eq!(may_be_retried, 20);
    assert!(site.stats("value").refused_for.unavailable >= 21, "the notification, too");
    assert_eq!(site.probe.ran.get(), 1, "a call that got -32003 never ran");
}

fn under_an_async_writer_the_state_is_new_and_what_waits_may_be_retried(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    let loses = site.ask(Shaky_LoseThreadWriting {});
    site.probe.until_entered(1);
    let queued: Vec<_> = (0..20).map(|_| site.ask(Shaky_Value {})).collect();
    site.until_waiting("value", 20);
    site.probe.let_awaits_go(1);
    loses.answer().assert_internal();
    assert!(queued.into_iter().all(|call| call.answer().code == -32003));
    assert_eq!((retried(&site), site.probe.made.get()), (Answer::result(0), 2));
    site.assert_ends("lose_thread_writing", Ends { panicked: 1, ..Ends::default() });
    assert_eq!(site.probe.ran.get(), 1, "a call that got -32003 never ran");
}

fn calls_that_have_begun_and_made_no_step_get_an_error_too(way: Way) {
    let site = shaky(way);
    let held = site.hold(7);
    let begin: Vec<_> = (0..3).map(|_| site.ask(Shaky_Linger { waits: true })).collect();
    site.until_waiting("linger", 3);
    // These follow in the same round of the scheduler, which does not end: they are not polled
    // before the thread is gone.
    let loses = site.ask(Shaky_LoseThread {});
    site.until_waiting("lose_thread", 1);
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    site.probe.until_entered(2);
    site.until_waiting("linger", 0);
    site.probe.let_thread_go();
    assert_eq!(loses.answer().code, 0);
    begin.into_iter().for_each(|call| call.answer().assert_internal());
    assert_eq!((retried(&site), site.probe.made.get()), (Answer::result(7), 1));
    site.assert_ends("linger", Ends { panicked: 3, ..Ends::default() });
    assert_eq!(site.probe.entered.get(), 2, "none of them made a step");
}

fn the_worker_pool_still_runs(way: Way) {
    let site = shaky(way);
    let computing = site.ask(Shaky_Grind { probe: site.probe.id });
    site.probe.until_entered(1);
    let loses = site.ask(Shaky_LoseThreadWriting {});
    site.probe.until_entered(2);
    site.probe.let_awaits_go(1);
    loses.answer().assert_internal();
    until("there is a new host", || site.is_up());
    site.probe.let_pool_go(1);
    assert_eq!(computing.answer().code, 0);
    assert_eq!(retried(&site), Answer::result(0));
    site.wait_idle();
}

/// The value, once there is a new host.
fn retried(site: &Site<Shaky>) -> Answer {
    let start = Instant::now();
    loop {
        let answer = site.call(Shaky_Value {});
        if answer.code != -32003 {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "there is no new host");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn while_the_service_stops_the_hook_still_sees_the_state(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    let loses = site.ask(Shaky_LoseThread {});
    site.probe.until_entered(1);
    let stopping = site.stop();
    until("it lets nothing in", || !site.is_up());
    site.probe.let_thread_go();
    assert_eq!(loses.answer().code, 0);
    stopping.join().unwrap();
    assert_eq!((site.probe.stops.get(), site.probe.stopped_with.load(Ordering::SeqCst)), (1, 7));
}
