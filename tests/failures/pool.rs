//! A worker pool of one thread that is blocked.

use serde_json::json;

use crate::harness::{Answer, Asked, Ends, Site, Way, both_ways};
use crate::shaky_service::{Shaky, Shaky_Change, Shaky_Grind, Shaky_GrindHurried, Shaky_Set, Shaky_Value, shaky_with};

both_ways! {
    it_holds_up_neither_the_service_nor_the_refusals,
    what_waits_for_it_has_its_deadline_and_never_runs_after_it,
    a_call_on_the_pool_finishes_although_its_caller_got_the_deadline_error,
    what_waits_for_it_is_not_run_for_a_caller_that_left_and_what_is_on_it_finishes,
}

fn pool_of_one(way: Way) -> (Site<Shaky>, impl Fn(&Site<Shaky>) -> Asked<'_>) {
    let site = shaky_with(way, |server| server.compute_threads(1));
    let probe = site.probe.id;
    (site, move |site: &Site<Shaky>| site.ask(Shaky_Grind { probe }))
}

fn it_holds_up_neither_the_service_nor_the_refusals(way: Way) {
    let (site, grind) = pool_of_one(way);
    let mut calls = vec![grind(&site)];
    site.probe.until_entered(1);
    calls.extend((0..2).map(|_| grind(&site)));
    site.until_waiting("grind", 2);
    let Answer { code, data, .. } = grind(&site).answer();
    assert_eq!((code, &data["reason"], &data["depth"]), (-32000, &json!("mailbox full"), &json!(2)));
    site.notify(Shaky_Grind { probe: site.probe.id });
    for value in 0..5 {
        assert_eq!(site.call(Shaky_Set { value }).code, 0);
        assert_eq!(site.call(Shaky_Value {}), Answer::result(value));
    }
    let change = site.ask(Shaky_Change { value: 9 });
    site.probe.until_entered(2);
    site.probe.let_awaits_go(1);
    assert_eq!(change.answer().code, 0);
    site.probe.let_pool_go(3);
    assert!(calls.into_iter().all(|call| call.answer().code == 0));
    site.assert_ends("grind", Ends { answered: 3, full: 2, ..Ends::default() });
}

fn what_waits_for_it_has_its_deadline_and_never_runs_after_it(way: Way) {
    let (site, grind) = pool_of_one(way);
    let blocks = grind(&site);
    site.probe.until_entered(1);
    let (probe, before) = (site.probe.id, site.probe.entered.get());
    assert_eq!(site.call(Shaky_GrindHurried { probe }).code, -32002);
    let queued = grind(&site);
    site.until_waiting("grind", 1);
    site.probe.let_pool_go(2);
    assert_eq!((blocks.answer().code, queued.answer().code), (0, 0));
    site.wait_idle();
    assert_eq!(site.probe.entered.get(), before + 1, "the one that waited and was in time");
    site.assert_ends("grind_hurried", Ends { expired: 1, ..Ends::default() });
}

fn a_call_on_the_pool_finishes_although_its_caller_got_the_deadline_error(way: Way) {
    let (site, grind) = pool_of_one(way);
    let hurried = site.ask(Shaky_GrindHurried { probe: site.probe.id });
    site.probe.until_entered(1);
    let queued = grind(&site);
    site.until_waiting("grind", 1);
    assert_eq!(hurried.answer().code, -32002);
    assert_eq!((site.probe.entered.get(), site.stats("grind").depth), (1, 1), "it still runs");
    site.probe.let_pool_go(2);
    assert_eq!(queued.answer().code, 0);
    site.wait_idle();
    site.assert_ends("grind_hurried", Ends { expired: 1, ..Ends::default() });
}

fn what_waits_for_it_is_not_run_for_a_caller_that_left_and_what_is_on_it_finishes(way: Way) {
    let (site, grind) = pool_of_one(way);
    let under_way = grind(&site);
    site.probe.until_entered(1);
    let (leaving, kept) = (grind(&site), grind(&site));
    site.until_waiting("grind", 2);
    leaving.leave();
    site.until_waiting("grind", 1);
    under_way.leave();
    site.assert_ends("grind", Ends { abandoned: 2, ..Ends::default() });
    assert_eq!(site.probe.entered.get(), 1, "the thread is not free");
    site.probe.let_pool_go(2);
    assert_eq!(kept.answer().code, 0);
    site.wait_idle();
    assert_eq!(site.probe.entered.get(), 2);
    site.assert_ends("grind", Ends { answered: 1, abandoned: 2, ..Ends::default() });
}
