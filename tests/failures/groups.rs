//! Methods that share a mailbox.

use serde_json::json;

use crate::harness::{Answer, Ends, Site, Way, both_ways};
use crate::shaky_service::{Shaky, Shaky_Append, Shaky_AppendLater, Shaky_AppendReading, Shaky_PanicInLog, shaky};

both_ways! {
    of_one_group_calls_run_in_the_order_in_which_they_came,
    of_one_group_calls_are_counted_together,
    of_one_group_calls_keep_their_order_through_a_restart,
}

fn log(site: &Site<Shaky>) -> Vec<u32> {
    site.probe.log.lock().unwrap().clone()
}

fn of_one_group_calls_run_in_the_order_in_which_they_came(way: Way) {
    let site = shaky(way);
    for round in 0..10 {
        let held = site.hold(0);
        for number in [0, 3] {
            site.notify(Shaky_AppendLater { number: round * 10 + number });
            site.notify(Shaky_Append { number: round * 10 + number + 1 });
            site.notify(Shaky_AppendReading { number: round * 10 + number + 2 });
        }
        site.probe.let_thread_go();
        assert_eq!(held.answer().code, 0);
        site.wait_idle();
    }
    let expected: Vec<_> = (0..10).flat_map(|round| (0..6).map(move |number| round * 10 + number)).collect();
    assert_eq!(log(&site), expected);
}

fn of_one_group_calls_are_counted_together(way: Way) {
    let site = shaky(way);
    let held = site.hold(0);
    for number in 0..3 {
        site.notify(Shaky_Append { number });
        site.notify(Shaky_AppendLater { number });
    }
    for method in ["append", "append_later", "append_reading", "panic_in_log"] {
        let stats = site.stats(method);
        assert_eq!((stats.depth, stats.capacity, stats.group), (6, 6, Some("log")), "{method}");
    }
    let Answer { code, data, .. } = site.call(Shaky_AppendReading { number: 9 });
    assert_eq!((code, &data["method"], &data["capacity"]), (-32000, &json!("append_reading"), &json!(6)));
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    site.wait_idle();
    assert_eq!(log(&site), [0, 0, 1, 1, 2, 2]);
    assert_eq!(site.call(Shaky_AppendReading { number: 9 }).code, 0);
    site.assert_ends("append_reading", Ends { answered: 1, full: 1, ..Ends::default() });
}

fn of_one_group_calls_keep_their_order_through_a_restart(way: Way) {
    let site = shaky(way);
    let held = site.hold(0);
    site.notify(Shaky_Append { number: 1 });
    site.notify(Shaky_AppendLater { number: 2 });
    site.notify(Shaky_PanicInLog {});
    site.notify(Shaky_AppendReading { number: 3 });
    site.notify(Shaky_AppendLater { number: 4 });
    site.notify(Shaky_Append { number: 5 });
    site.probe.let_thread_go();
    assert_eq!(held.answer().code, 0);
    site.wait_idle();
    assert_eq!((log(&site), site.probe.made.get()), (vec![1, 2, 3, 4, 5], 2));
    site.assert_ends("panic_in_log", Ends { panicked: 1, ..Ends::default() });
}
