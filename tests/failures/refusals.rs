//! Rejected calls: full mailboxes, hopeless deadlines, shedding, and what a rejection leaves alone.

use std::time::{Duration, Instant};

use callbox::{Handles, Message};
use callbox_test_support::http::request;
use callbox_test_support::wait::until;
use serde_json::json;

use crate::harness::{Answer, Asked, Ends, Site, Way, both_ways};
use crate::shaky_service::{
    Shaky, Shaky_HoldReading, Shaky_Impatient, Shaky_Keep, Shaky_Narrow, Shaky_PanicReading, Shaky_Patient, Shaky_Set,
    Shaky_Slog, Shaky_Value, shaky,
};

both_ways! {
    a_full_mailbox_turns_calls_away_at_once_and_keeps_what_waits,
    a_full_service_turns_calls_away_although_their_mailbox_is_empty,
    hopeless_work_is_rejected_at_once_and_waiting_calls_are_kept,
    under_a_standing_overload_calls_that_have_waited_too_long_are_rejected,
    under_a_standing_overload_calls_that_would_wait_too_long_are_rejected_at_once,
    a_burst_that_is_soon_worked_off_loses_nothing_however_long_it_has_waited,
    a_call_that_may_wait_until_its_deadline_is_not_shed,
}

fn a_full_mailbox_turns_calls_away_at_once_and_keeps_what_waits(way: Way) {
    let site = shaky(way);
    let held = site.hold(10);
    let waiting: Vec<_> = (0..4).map(|_| site.ask(Shaky_Narrow {})).collect();
    site.until_waiting("narrow", 4);
    // At once: the host is inside of a method that does not end before it is let go.
    for _ in 0..2 {
        let Answer { code, data, .. } = site.call(Shaky_Narrow {});
        assert_eq!((code, &data["method"], &data["reason"]), (-32000, &json!("narrow"), &json!("mailbox full")));
        assert_eq!((&data["depth"], &data["capacity"]), (&json!(4), &json!(4)));
        assert!(data["retry_after_ms"].as_u64().is_some_and(|ms| ms >= 1), "{data}");
    }
    site.notify(Shaky_Narrow {});
    assert_eq!((site.stats("narrow").depth, site.probe.ran.get()), (4, 0));

    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    assert!(waiting.into_iter().all(|call| call.answer().code == 0));
    assert_eq!(site.call(Shaky_Value {}), Answer::result(14), "the four that fitted have run, and nothing else");
    site.assert_ends("narrow", Ends { answered: 4, full: 3, ..Ends::default() });
}

fn a_full_service_turns_calls_away_although_their_mailbox_is_empty(way: Way) {
    let site = shaky(way);
    let held = site.hold(0);
    site.notify_times(1024, || Shaky_Value {});
    site.notify_times(1024, || Shaky_Set { value: 1 });
    site.notify_times(1024, || Shaky_PanicReading { panics: false });
    site.notify_times(1024, || Shaky_Keep { text: String::new() });
    let Answer { code, data, .. } = site.call(Shaky_HoldReading {});
    assert_eq!((code, &data["reason"], &data["capacity"]), (-32000, &json!("service full"), &json!(4096)));
    assert_eq!(data["depth"], 0, "its own mailbox is empty");
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    site.wait_idle();
    for method in ["value", "set", "panic_reading", "keep"] {
        site.assert_ends(method, Ends { answered: 1024, ..Ends::default() });
    }
    site.assert_ends("hold_reading", Ends { full: 1, ..Ends::default() });
}

fn hopeless_work_is_rejected_at_once_and_waiting_calls_are_kept(way: Way) {
    let site = shaky(way);
    for _ in 0..8 {
        assert_eq!(site.call(Shaky_Slog {}).code, 0, "nothing is hopeless before it is known what it costs");
    }
    let held = site.hold(7);
    // Each takes 40 ms and has 800, so at most 19 may have others before them.
    let calls: Vec<_> = (0..30).map(|_| site.ask(Shaky_Slog {})).collect();
    until("all were admitted or rejected", || {
        let stats = site.stats("slog");
        stats.queued + stats.refused >= 38 || stats.expired > 0
    });
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    let answers: Vec<_> = calls.into_iter().map(Asked::answer).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.code == -32000).collect();
    assert!((11..30).contains(&refused.len()), "{} of 30 were rejected", refused.len());
    // On a busy machine, admitted calls may have waited too long until the test releases them.
    assert!(answers.iter().all(|answer| matches!(answer.code, 0 | -32000 | -32002)), "{answers:?}");
    let data = &refused[0].data;
    assert_eq!((&data["reason"], &data["method"]), (&json!("cannot start before its deadline"), &json!("slog")));
    assert!(data["depth"].as_u64().is_some_and(|depth| depth >= 1) && data["retry_after_ms"].is_u64(), "{data}");
    let of = |code| answers.iter().filter(|answer| answer.code == code).count() as u64;
    site.wait_idle();
    // A result that its caller took too late counts as answered, although the caller got the
    // deadline error.
    let late = site.stats("slog").answered.saturating_sub(8 + of(0));
    let (answered, expired, hopeless) = (8 + of(0) + late, of(-32002) - late, of(-32000));
    site.assert_ends("slog", Ends { answered, expired, hopeless, ..Ends::default() });
    assert_eq!(site.call(Shaky_Value {}), Answer::result(7));
}

/// Returns the responses to calls that waited together before the first of them ran, for longer
/// than an impatient call may, and the time that they took from then on.
fn worked_off<M>(site: &Site<Shaky>, calls: usize, message: impl Fn() -> M) -> (Vec<Answer>, Duration)
where
    M: Message,
    Shaky: Handles<M>,
{
    let held = site.hold(7);
    let calls: Vec<_> = (0..calls).map(|_| site.ask(message())).collect();
    site.until_waiting(M::NAME, calls.len());
    std::thread::sleep(Duration::from_millis(60));
    let let_go = Instant::now();
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    let answers = calls.into_iter().map(Asked::answer).collect();
    (answers, let_go.elapsed())
}

fn under_a_standing_overload_calls_that_have_waited_too_long_are_rejected(way: Way) {
    let site = shaky(way);
    let (answers, _) = worked_off(&site, 40, || Shaky_Impatient { millis: 10 });
    assert!(answers.iter().all(|answer| matches!(answer.code, 0 | -32000)), "{answers:?}");
    let refused: Vec<_> = answers.iter().filter(|answer| answer.code == -32000).collect();
    assert!(refused.len() >= 30, "in 100 ms no more than 10 can start: {}", refused.len());
    let data = &refused[0].data;
    let reason = json!("overloaded: calls wait longer than they may");
    assert_eq!((&data["method"], &data["reason"], &data["capacity"]), (&json!("impatient"), &reason, &json!(1024)));
    assert!(data["retry_after_ms"].as_u64().is_some_and(|ms| ms >= 1), "{data}");
    let (answered, overdue) = ((40 - refused.len()) as u64, refused.len() as u64);
    site.assert_ends("impatient", Ends { answered, overdue, ..Ends::default() });
    assert_eq!(site.call(Shaky_Value {}), Answer::result(7), "another method sheds nothing");
}

fn under_a_standing_overload_calls_that_would_wait_too_long_are_rejected_at_once(way: Way) {
    let site = shaky(way);
    let mut asked = 0;
    // Each takes 10 ms: several times as many come as can be done.
    until("some are rejected", || {
        (0..3).for_each(|_| site.notify(Shaky_Impatient { millis: 10 }));
        asked += 3;
        let stats = site.stats("impatient");
        stats.queued + stats.refused_for.full < asked
    });
    site.wait_idle();
    let stats = site.stats("impatient");
    assert!(stats.refused_for.overdue > 0 && stats.inline == 0, "{stats:?}");
    assert_eq!(stats.answered + stats.refused, asked, "{stats:?}");
}

fn a_burst_that_is_soon_worked_off_loses_nothing_however_long_it_has_waited(way: Way) {
    // On a busy machine it may take too long to be a burst.
    for _ in 0..20 {
        let site = shaky(way);
        let (answers, took) = worked_off(&site, 10, || Shaky_Impatient { millis: 0 });
        if took < Duration::from_millis(100) {
            assert!(answers.iter().all(|answer| answer.code == 0), "{answers:?}");
            site.assert_ends("impatient", Ends { answered: 10, ..Ends::default() });
            return;
        }
    }
    panic!("ten calls that do nothing never took less than 100 ms");
}

fn a_call_that_may_wait_until_its_deadline_is_not_shed(way: Way) {
    let site = shaky(way);
    let (answers, _) = worked_off(&site, 40, || Shaky_Patient { millis: 10 });
    assert!(answers.iter().all(|answer| answer.code == 0), "{answers:?}");
    site.assert_ends("patient", Ends { answered: 40, ..Ends::default() });
}

/// In process nothing is counted in bytes.
#[test]
fn more_than_16_mib_of_parameters_do_not_wait_in_one_service() {
    let site = shaky(Way::Http);
    let held = site.hold(0);
    let large = || Shaky_Keep { text: "x".repeat(1_000_000) };
    for _ in 0..16 {
        site.notify(large());
    }
    let Answer { code, data, .. } = site.call(large());
    assert_eq!((code, &data["reason"]), (-32000, &json!("too many bytes of parameters waiting")), "{data}");
    let small = site.ask(Shaky_Keep { text: "small".to_owned() });
    site.until_waiting("keep", 17);
    site.probe.let_thread_go();
    assert!(held.answer().code == 0 && small.answer().code == 0);
    assert_eq!(site.call(large()).code, 0, "their bytes are given back");
    site.assert_ends("keep", Ends { answered: 18, full: 1, ..Ends::default() });
}

/// In process there is nothing to read.
#[test]
fn a_call_whose_parameters_do_not_fit_gives_its_slot_back() {
    let site = shaky(Way::Http);
    let address = site.address();
    let held = site.hold(0);
    let bad = r#"{"jsonrpc":"2.0","method":"narrow","params":[1],"id":1}"#;
    let code = || request(address, "POST", "/api", &[], bad).json()["error"]["code"].clone();
    for _ in 0..10 {
        assert_eq!(code(), -32602);
    }
    assert_eq!(site.stats("narrow").depth, 0);
    let waiting: Vec<_> = (0..4).map(|_| site.ask(Shaky_Narrow {})).collect();
    site.until_waiting("narrow", 4);
    assert_eq!(code(), -32000, "a full mailbox does not even read them");
    site.probe.let_thread_go();
    assert!(held.answer().code == 0 && waiting.into_iter().all(|call| call.answer().code == 0));
    let refused = site.stats("narrow").refused_for;
    assert_eq!((refused.params, refused.full), (10, 1));
}
