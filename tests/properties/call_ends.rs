//! Every admitted call ends exactly once, and its caller learns how: with deadlines, callers that
//! leave, panics, new states, new hosts, and a stop at some moment. Meanwhile no call meets a
//! writer, or a state that a writer has left half-way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callbox::stats::MethodStats;
use callbox::testing::{InProcess, in_process_with};
use callbox::{Caller, Placement, ServiceRef};
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::load::{Outcome, What, gentle, rough, run, step};
use crate::observed_service::{
    Busy, Busy_Grind, Busy_Hold, Busy_PanicKeeping, Busy_PanicReading, Busy_Read, Busy_ReadLater, Busy_WriteLater,
    Seen, starts_on_pool,
};

/// What may happen besides the calls themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Trouble {
    /// The state, or the host's thread, is lost now and then.
    rough: bool,
    stop: bool,
}

fn start(inline: bool, drain: Duration) -> (InProcess<Busy>, ServiceRef<Busy>, Arc<Seen>) {
    keep_quiet_about_panics_on_purpose();
    let seen = Arc::new(Seen::default());
    let factory = Arc::clone(&seen);
    let placement = if inline { Placement::Inline } else { Placement::Actor };
    let settings =
        move |server: callbox::Server| server.placement(placement).shutdown_timeout(drain).compute_threads(2);
    let held = in_process_with(move || Busy::new(&factory), settings);
    let service = held.service().as_caller(Caller::named("one"));
    (held, service, seen)
}

/// Checks that the results of the callers fit what the service saw.
fn check_caller_outcome(outcome: &Outcome, seen: &Seen, trouble: Trouble) -> Result<(), TestCaseError> {
    for (number, (what, result)) in (0..).zip(&outcome.calls) {
        let starts = if *what == What::Grind { starts_on_pool(outcome.load, number) } else { seen.starts(number) };
        let of_itself = matches!(what, What::Fail | What::PanicReading | What::PanicKeeping);
        let rough =
            matches!(what, What::PanicWriting | What::PanicWritingLater | What::LoseThread | What::LoseThreadHalfWay);
        match result {
            Some(Ok(answer)) => prop_assert!(*answer == number && starts == 1, "{} {:?}: {}", number, what, starts),
            Some(Err(-32603)) => {
                // The call was cut off at the stop, or lost with the thread of the host; perhaps
                // just before its first step.
                let cut_off = trouble.stop || trouble.rough;
                prop_assert!(starts == 1 || (cut_off && starts == 0), "{} {:?}: {}", number, what, starts);
                prop_assert!(of_itself || rough || cut_off, "{} {:?}", number, what);
            }
            Some(Err(-32002)) => {
                prop_assert!(starts <= 1 && matches!(what, What::ReadHurried | What::WriteHurried), "{:?}", what);
            }
            Some(Err(code @ (-32000 | -32003))) => {
                prop_assert_eq!(starts, 0, "{} {:?} got {} and started", number, what, code);
                prop_assert!(*code == -32000 || trouble.stop || trouble.rough, "{:?}", what);
            }
            Some(Err(code)) => prop_assert!(false, "{} {:?} got {}", number, what, code),
            None => prop_assert!(starts <= 1, "{} {:?}: {}", number, what, starts),
        }
    }
    Ok(())
}

/// Whether each call was counted once, whatever became of it, and none is left.
fn check_counts(outcome: &Outcome, stats: &[MethodStats]) -> Result<(), TestCaseError> {
    let sum = |pick: fn(&MethodStats) -> u64| stats.iter().map(pick).sum::<u64>();
    let ended_with = |code| outcome.calls.iter().filter(|(_, result)| *result == Some(Err(code))).count() as u64;
    prop_assert_eq!(ended(stats), outcome.calls.len() as u64, "each ends once: {:?}", stats);
    prop_assert!(stats.iter().all(|stats| stats.depth == 0 && stats.running == 0), "{:?}", stats);
    prop_assert_eq!(sum(|stats| stats.refused_for.full + stats.refused_for.caller), ended_with(-32000));
    prop_assert!(sum(|stats| stats.refused_for.unavailable) >= ended_with(-32003));
    let answered = outcome.calls.iter().filter(|(_, result)| matches!(result, Some(Ok(_)))).count() as u64;
    // A method that ended in time counts as answered, even if the thread of the caller took the
    // response too late.
    prop_assert!(sum(|stats| stats.answered) >= answered, "{:?}", stats);
    prop_assert!(sum(|stats| stats.answered + stats.expired) >= answered + ended_with(-32002), "{:?}", stats);
    let admitted = sum(|stats| stats.inline + stats.queued);
    prop_assert!((answered..=outcome.calls.len() as u64).contains(&admitted), "{:?}", stats);
    Ok(())
}

fn ended(stats: &[MethodStats]) -> u64 {
    let ended =
        |s: &MethodStats| s.answered + s.failed + s.panicked + s.refused + s.expired + s.abandoned + s.cancelled;
    stats.iter().map(ended).sum()
}

/// Whether the caller may have as many calls in each method as at first, so that none of those that
/// have ended has kept its place.
fn check_places(busy: &ServiceRef<Busy>, seen: &Seen) -> Result<(), TestCaseError> {
    let start = Instant::now();
    while !busy.is_up() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // It has the state alone, so that the others wait.
    prop_assert_eq!(busy.notify(Busy_Hold {}), Ok(()));
    while seen.held.load(Ordering::SeqCst) == 0 && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (call, micros) = (u32::MAX, 0);
    for place in 1..=9 {
        let expected = if place <= 8 { Ok(()) } else { Err(-32000) };
        for sent in [
            busy.notify(Busy_Read { call, micros }),
            busy.notify(Busy_ReadLater { call, micros }),
            busy.notify(Busy_WriteLater { call, micros }),
            busy.notify(Busy_PanicReading { call }),
            busy.notify(Busy_PanicKeeping { call }),
        ] {
            prop_assert_eq!(sent.map_err(|error| error.code()), expected, "{}", place);
        }
        // Those on the pool do not wait for the state.
        let grind = busy.notify(Busy_Grind { load: u64::MAX, call, micros });
        prop_assert!(place > 8 || grind.is_ok(), "{} {:?}", place, grind);
    }
    seen.gate.add_permits(1);
    Ok(())
}

fn check(busy: &ServiceRef<Busy>, outcome: &Outcome, seen: &Seen, trouble: Trouble) -> Result<(), TestCaseError> {
    // Callers that got an error, or left, before its end do not wait for a method.
    let start = Instant::now();
    let over = |stats: &[MethodStats]| {
        ended(stats) >= outcome.calls.len() as u64 && stats.iter().all(|stats| stats.depth == 0 && stats.running == 0)
    };
    while !over(&busy.stats()) && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    check_counts(outcome, &busy.stats())?;
    check_caller_outcome(outcome, seen, trouble)?;
    prop_assert_eq!(seen.inside(), 0);
    prop_assert!(!seen.overlap.load(Ordering::SeqCst), "a writer met somebody");
    prop_assert!(!seen.torn.load(Ordering::SeqCst), "somebody met a half-written state");
    prop_assert!(!seen.late.load(Ordering::SeqCst), "a call started after on_stop");
    if trouble.stop { Ok(()) } else { check_places(busy, seen) }
}

proptest! {
    #![proptest_config(crate::cases(48))]

    #[test]
    fn every_call_ends_once_and_its_caller_knows_how(
        lists in vec(vec(step(gentle()), 1..80), 2),
        inline in any::<bool>(),
    ) {
        let (_held, busy, seen) = start(inline, Duration::from_secs(20));
        let outcome = run(&busy, &lists);
        check(&busy, &outcome, &seen, Trouble { rough: false, stop: false })?;
    }

    #[test]
    fn also_when_states_and_threads_are_lost(
        lists in vec(vec(step(prop_oneof![20 => gentle().boxed(), 1 => rough().boxed()]), 1..60), 2),
        inline in any::<bool>(),
    ) {
        let (_held, busy, seen) = start(inline, Duration::from_secs(20));
        let outcome = run(&busy, &lists);
        check(&busy, &outcome, &seen, Trouble { rough: true, stop: false })?;
    }

    #[test]
    fn also_when_the_service_is_stopped_at_some_moment(
        lists in vec(vec(step(prop_oneof![40 => gentle().boxed(), 1 => rough().boxed()]), 1..60), 2),
        inline in any::<bool>(),
        after in 0..3000u64,
        drain in prop_oneof![Just(0), 0..3000u64, Just(20_000_000)],
    ) {
        let (held, busy, seen) = start(inline, Duration::from_micros(drain));
        let stop = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(after));
            drop(held);
        });
        let outcome = run(&busy, &lists);
        stop.join().expect("it stops well");
        check(&busy, &outcome, &seen, Trouble { rough: true, stop: true })?;
        prop_assert!(seen.stops.load(Ordering::SeqCst) <= 1);
    }
}
