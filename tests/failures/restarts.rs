//! States that cannot be replaced, and services that are down and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox::Server;
use callbox_test_support::wait::until;

use crate::harness::{Answer, Ends, Way, both_ways};
use crate::probe::Probe;
use crate::shaky_service::{
    Shaky, Shaky_Append, Shaky_Grind, Shaky_Linger, Shaky_PanicInLog, Shaky_PanicWriting, Shaky_Set, Shaky_Value, shaky,
};

both_ways! {
    a_factory_that_panics_takes_the_service_down_until_a_later_try_succeeds,
    a_start_that_fails_takes_the_service_down_until_a_later_try_succeeds,
    too_many_restarts_take_the_service_down_until_a_later_try,
}

fn a_factory_that_panics_takes_the_service_down_until_a_later_try_succeeds(way: Way) {
    no_new_state(way, |probe| &probe.barren);
}

fn a_start_that_fails_takes_the_service_down_until_a_later_try_succeeds(way: Way) {
    no_new_state(way, |probe| &probe.unwell);
}

fn no_new_state(way: Way, trouble: fn(&Probe) -> &AtomicBool) {
    let site = shaky(way);
    let computing = site.ask(Shaky_Grind { probe: site.probe.id });
    site.probe.until_entered(1);
    let held = site.hold(7);
    let panics = site.ask(Shaky_PanicInLog {});
    site.until_waiting("append", 1);
    // In the same mailbox, so that none of them has its turn before the panic.
    let queued: Vec<_> = (0..5).map(|number| site.ask(Shaky_Append { number })).collect();
    site.until_waiting("append", 6);
    trouble(&site.probe).store(true, Ordering::SeqCst);
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    panics.answer().assert_internal();
    for call in queued {
        assert_eq!(call.answer().code, -32003);
    }
    until("it is down", || !site.is_up());
    assert_eq!(site.call(Shaky_Value {}).code, -32003);
    site.probe.let_pool_go(1);
    assert_eq!(computing.answer().code, 0, "it was under way");
    site.notify(Shaky_Set { value: 9 });
    assert_eq!(site.restarts(), 0, "a try that fails replaces nothing");
    trouble(&site.probe).store(false, Ordering::SeqCst);
    until("it is up again", || site.is_up());
    assert_eq!(site.restarts(), 1);
    assert_eq!(site.call(Shaky_Value {}), Answer::result(0));
    assert_eq!(site.probe.log.lock().unwrap().len(), 0, "a call that got -32003 never ran");
    site.assert_ends("panic_in_log", Ends { panicked: 1, ..Ends::default() });
    site.assert_ends("append", Ends { unavailable: 5, ..Ends::default() });
    site.assert_ends("value", Ends { answered: 1, unavailable: 1, ..Ends::default() });
    site.assert_ends("set", Ends { unavailable: 1, ..Ends::default() });
}

fn too_many_restarts_take_the_service_down_until_a_later_try(way: Way) {
    let site = shaky(way);
    let (start, mut panicked) = (Instant::now(), 0);
    let refused = loop {
        let answer = site.call(Shaky_PanicWriting { panics: true });
        if answer.code != -32603 {
            break answer;
        }
        panicked += 1;
        assert!(start.elapsed() < Duration::from_secs(20), "any number of restarts is borne");
    };
    assert_eq!(refused.code, -32003);
    assert!(panicked >= 6, "five restarts are borne; the sixth call runs, and is one too many: {panicked}");
    if start.elapsed() < Duration::from_secs(5) {
        assert_eq!(panicked, 6);
    }
    assert!(!site.is_up());
    assert_eq!(site.call(Shaky_Linger { waits: false }).code, -32003);
    until("it is up again", || site.is_up());
    assert_eq!(site.call(Shaky_Value {}), Answer::result(0));
    site.assert_ends("panic_writing", Ends { panicked, unavailable: 1, ..Ends::default() });
}

#[test]
fn a_factory_that_panics_at_the_start_stops_the_start() {
    let probe = Probe::new();
    for (trouble, reason) in [
        (&probe.barren, "its factory panicked: on purpose: the factory"),
        (&probe.unwell, "its on_start failed: on purpose: the start"),
    ] {
        trouble.store(true, Ordering::SeqCst);
        let factory = Arc::clone(&probe);
        let launch = async move || {
            let launched = Server::new(move || Shaky::new(&factory)).launch().await;
            launched.map(drop).unwrap_err().to_string()
        };
        let error = actix::System::new().block_on(launch());
        assert!(error.contains("shaky") && error.contains(reason), "{error}");
        trouble.store(false, Ordering::SeqCst);
    }
}
