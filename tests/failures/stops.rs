//! The end of a service.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::rt::time::timeout;
use callbox::Server;
use callbox_test_support::wait::until;

use crate::harness::{Answer, Asked, Ends, Site, Way, both_ways};
use crate::probe::Probe;
use crate::shaky_service::{
    Shaky, Shaky_Append, Shaky_Change, Shaky_Grind, Shaky_Hold, Shaky_Linger, Shaky_Narrow, Shaky_PanicInLog,
    Shaky_Set, Shaky_Value, shaky, shaky_with,
};

both_ways! {
    admitted_calls_run_then_the_hook_and_no_more_calls_are_admitted,
    at_the_limit_a_writer_is_cut_off_what_waits_may_be_retried_and_no_hook_sees_a_torn_state,
    at_the_limit_readers_are_cut_off_and_the_hook_sees_a_whole_state,
    at_the_limit_a_sync_method_is_left_behind_and_its_caller_gets_an_error,
    at_the_limit_the_worker_pool_is_left_behind_and_its_callers_get_an_error,
    what_runs_on_the_worker_pool_is_waited_for,
    readers_under_way_are_waited_for_although_nothing_else_waits,
    a_writer_under_way_is_waited_for_although_nothing_else_waits,
    a_service_that_is_down_can_be_stopped,
}

/// Long enough for a test to see what it wants while it runs, short enough to wait for.
const LIMIT: Duration = Duration::from_millis(200);

fn with_limit(way: Way) -> Site<Shaky> {
    shaky_with(way, |server| server.shutdown_timeout(LIMIT).compute_threads(1))
}

fn admitted_calls_run_then_the_hook_and_no_more_calls_are_admitted(way: Way) {
    let site = shaky(way);
    let under_way = site.ask(Shaky_Change { value: 100 });
    site.probe.until_entered(1);
    // Full mailboxes.
    let narrow: Vec<_> = (0..4).map(|_| site.ask(Shaky_Narrow {})).collect();
    let append: Vec<_> = (0..6).map(|number| site.ask(Shaky_Append { number })).collect();
    site.until_waiting("narrow", 4);
    site.until_waiting("append", 6);
    site.notify(Shaky_Value {});
    let stopping = site.stop();
    until("it lets nothing in", || !site.is_up());
    assert_eq!(site.service().notify(Shaky_Value {}).unwrap_err().code(), -32003);
    match way {
        Way::InProcess => assert_eq!(site.call(Shaky_Value {}).code, -32003),
        Way::Http => until("new connections are refused", || TcpStream::connect(site.address()).is_err()),
    }
    assert_eq!((site.probe.ran.get(), site.probe.stops.get()), (0, 0), "the admitted calls still wait");
    site.probe.let_awaits_go(1);
    assert_eq!(under_way.answer().code, 0);
    assert!(narrow.into_iter().chain(append).all(|call| call.answer().code == 0));
    stopping.join().unwrap();
    assert_eq!((site.probe.ran.get(), site.probe.log.lock().unwrap().len()), (5, 6), "the notification, too");
    assert_eq!((site.probe.stops.get(), site.probe.stopped_with.load(Ordering::SeqCst)), (1, 104), "last of all");
    site.assert_ends("narrow", Ends { answered: 4, ..Ends::default() });
    let unavailable = if way == Way::InProcess { 2 } else { 1 };
    site.assert_ends("value", Ends { answered: 1, unavailable, ..Ends::default() });
}

fn at_the_limit_a_writer_is_cut_off_what_waits_may_be_retried_and_no_hook_sees_a_torn_state(way: Way) {
    let site = with_limit(way);
    let under_way = site.ask(Shaky_Change { value: 100 });
    site.probe.until_entered(1);
    let queued: Vec<_> = (0..4).map(|_| site.ask(Shaky_Narrow {})).collect();
    site.until_waiting("narrow", 4);
    site.notify(Shaky_Value {});
    let stopping = site.stop();
    under_way.answer().assert_internal();
    assert!(queued.into_iter().all(|call| call.answer().code == -32003));
    stopping.join().unwrap();
    assert_eq!((site.probe.stops.get(), site.probe.ran.get()), (0, 0));
    site.assert_ends("change", Ends { panicked: 1, ..Ends::default() });
    site.assert_ends("narrow", Ends { unavailable: 4, ..Ends::default() });
    site.assert_ends("value", Ends { unavailable: 1, ..Ends::default() });
}

fn at_the_limit_readers_are_cut_off_and_the_hook_sees_a_whole_state(way: Way) {
    let site = with_limit(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }).code, 0);
    let under_way: Vec<_> = (0..3).map(|_| site.ask(Shaky_Linger { waits: true })).collect();
    site.probe.until_entered(3);
    let queued = site.ask(Shaky_Set { value: 9 });
    site.until_waiting("set", 1);
    let stopping = site.stop();
    under_way.into_iter().for_each(|call| call.answer().assert_internal());
    assert_eq!(queued.answer().code, -32003);
    stopping.join().unwrap();
    assert_eq!((site.probe.stops.get(), site.probe.stopped_with.load(Ordering::SeqCst)), (1, 7));
    site.assert_ends("linger", Ends { panicked: 3, ..Ends::default() });
    site.assert_ends("set", Ends { answered: 1, unavailable: 1, ..Ends::default() });
}

fn at_the_limit_a_sync_method_is_left_behind_and_its_caller_gets_an_error(way: Way) {
    let site = with_limit(way);
    let under_way = site.ask(Shaky_Hold { value: 7 });
    site.probe.until_entered(1);
    let queued: Vec<_> = (0..4).map(|_| site.ask(Shaky_Narrow {})).collect();
    site.until_waiting("narrow", 4);
    let stopping = site.stop();
    assert!(queued.into_iter().all(|call| call.answer().code == -32003));
    under_way.answer().assert_internal();
    site.probe.let_thread_go();
    stopping.join().unwrap();
    assert_eq!(site.probe.ran.get(), 0);
}

fn at_the_limit_the_worker_pool_is_left_behind_and_its_callers_get_an_error(way: Way) {
    let site = with_limit(way);
    let under_way = site.ask(Shaky_Grind { probe: site.probe.id });
    site.probe.until_entered(1);
    let queued = site.ask(Shaky_Grind { probe: site.probe.id });
    site.until_waiting("grind", 1);
    let stopping = site.stop();
    assert_eq!(queued.answer().code, -32003);
    under_way.answer().assert_internal();
    site.probe.let_pool_go(1);
    stopping.join().unwrap();
    assert_eq!((site.probe.stops.get(), site.probe.entered.get()), (1, 1));
}

fn what_runs_on_the_worker_pool_is_waited_for(way: Way) {
    let site = shaky(way);
    let under_way = site.ask(Shaky_Grind { probe: site.probe.id });
    site.probe.until_entered(1);
    let stopping = site.stop();
    until("it lets nothing in", || !site.is_up());
    assert_eq!(site.probe.stops.get(), 0);
    site.probe.let_pool_go(1);
    assert_eq!(under_way.answer().code, 0);
    stopping.join().unwrap();
    assert_eq!(site.probe.stops.get(), 1);
}

fn readers_under_way_are_waited_for_although_nothing_else_waits(way: Way) {
    let site = shaky(way);
    is_waited_for(&site, (0..3).map(|_| site.ask(Shaky_Linger { waits: true })).collect());
    assert_eq!(site.probe.stopped_with.load(Ordering::SeqCst), 0);
}

fn a_writer_under_way_is_waited_for_although_nothing_else_waits(way: Way) {
    let site = shaky(way);
    is_waited_for(&site, vec![site.ask(Shaky_Change { value: 9 })]);
    assert_eq!(site.probe.stopped_with.load(Ordering::SeqCst), 9);
}

fn is_waited_for(site: &Site<Shaky>, under_way: Vec<Asked<'_>>) {
    site.probe.until_entered(under_way.len() as u64);
    let stopping = site.stop();
    until("it lets nothing in", || !site.is_up());
    assert_eq!((site.probe.left.get(), site.probe.stops.get()), (0, 0));
    site.probe.let_awaits_go(under_way.len());
    under_way.into_iter().for_each(|call| assert_eq!(call.answer().code, 0));
    stopping.join().unwrap();
    assert_eq!(site.probe.stops.get(), 1);
}

fn a_service_that_is_down_can_be_stopped(way: Way) {
    let site = shaky(way);
    assert_eq!(site.call(Shaky_Set { value: 7 }), Answer::result(()));
    site.probe.barren.store(true, Ordering::SeqCst);
    site.call(Shaky_PanicInLog {}).assert_internal();
    until("it is down", || !site.is_up());
    site.stop().join().unwrap();
    assert_eq!(site.probe.stops.get(), 0, "there is no state to say good-bye to");
    assert_eq!(site.service().notify(Shaky_Value {}).unwrap_err().code(), -32003);
}

#[actix_web::test]
async fn a_second_stop_does_nothing() {
    let probe = Probe::new();
    let factory = Arc::clone(&probe);
    let running = Server::new(move || Shaky::new(&factory)).launch().await.unwrap();
    assert!(running.is_ready().await);
    running.stop().await.unwrap();
    running.stop().await.unwrap();
    assert_eq!((probe.stops.get(), running.is_ready().await), (1, false));
}

#[actix_web::test]
async fn a_service_that_has_stopped_is_idle() {
    let probe = Probe::new();
    let factory = Arc::clone(&probe);
    let running = Server::new(move || Shaky::new(&factory)).shutdown_timeout(LIMIT).launch().await.unwrap();
    let service = running.service::<Shaky>().unwrap();
    let held = actix_web::rt::spawn({
        let service = service.clone();
        async move { service.call(Shaky_Change { value: 9 }).await }
    });
    let waits = actix_web::rt::spawn({
        let service = service.clone();
        async move {
            probe.until_entered(1);
            service.wait_idle().await;
        }
    });
    actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    running.stop().await.unwrap();
    held.await.unwrap().unwrap_err();
    for wait in [waits, actix_web::rt::spawn(async move { service.wait_idle().await })] {
        timeout(Duration::from_secs(5), wait).await.expect("nobody waits for ever").unwrap();
    }
}

#[actix_web::test]
async fn what_came_in_just_before_a_stop_runs() {
    let probe = Probe::new();
    for round in 1..=50 {
        let factory = Arc::clone(&probe);
        let running = Server::new(move || Shaky::new(&factory)).compute_threads(1).launch().await.unwrap();
        // The host may be on its way to sleep, and has looked before this came in.
        running.service::<Shaky>().unwrap().notify(Shaky_Value {}).unwrap();
        running.stop().await.unwrap();
        assert_eq!((probe.ran.get(), probe.stops.get()), (round, round));
    }
}
