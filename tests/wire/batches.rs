//! Notifications, and batches: in order, side by side, within limits.

use std::time::{Duration, Instant};

use callbox_test_cases::wire::without_reasons;
use callbox_test_support::http::request;
use callbox_test_support::wait::until;
use serde_json::Value;

use crate::calculator::{Running, batch, call, error, notification, result, start, start_with};

#[test]
fn only_a_missing_id_makes_a_notification() {
    let calculator = start();
    assert_eq!(calculator.answer(notification("add_up", "[5]")), "");
    assert_eq!(calculator.answer(call("add_up", "[0]", "null")), result("5", "null"), "null is an id");
}

#[test]
fn equal_ids_are_all_answered_in_a_batch_and_over_time() {
    let calculator = start();
    let twice = batch([call("add_up", "[1]", "1"), call("add_up", "[1]", "1")]);
    assert_eq!(calculator.answer(&twice), batch([result("1", "1"), result("2", "1")]));
    assert_eq!(calculator.answer(&twice), batch([result("3", "1"), result("4", "1")]));
}

#[test]
fn a_notification_is_never_answered() {
    let calculator = start();
    let notifications = [
        ("it runs", notification("add_up", "[5]")),
        ("an unknown method", notification("nobody", "[]")),
        ("bad parameters", notification("add_up", "[1,2,3]")),
        ("an error", notification("divide", "[1,0]")),
        ("a panic", notification("panics", "[]")),
        ("no token", notification("secret", "[1]")),
        ("a deadline", notification("never", "[]")),
    ];
    for (name, body) in &notifications {
        let page = calculator.server.post(body);
        assert_eq!((page.status, page.body.as_str(), page.header("content-type")), (204, "", None), "{name}");
    }
    let all = batch(notifications.map(|(_, body)| body));
    assert_eq!(calculator.answer(all), "", "nor is a batch of them");
    assert_eq!(calculator.answer(call("add_up", "[0]", "1")), result("10", "1"), "those that could have run");
}

#[test]
fn each_member_of_a_batch_has_the_error_of_its_own() {
    let calculator = start();
    let body =
        batch([call("nobody", "[]", "1"), call("secret", "[1]", "2"), call("nothing", "5", "3"), "[]".to_owned()]);
    let answers = batch([error(-32601, "1"), error(-32001, "2"), error(-32600, "3"), error(-32600, "null")]);
    assert_eq!(without_reasons(&calculator.answer(body)), answers);
}

#[test]
fn answers_stand_in_the_order_of_the_requests_whichever_ends_first() {
    let calculator = start();
    let members = [("wait", "60"), ("wait", "1"), ("byte", "3"), ("wait", "30"), ("half", "4"), ("wait", "0")];
    let calls =
        members.iter().zip(1..).map(|((method, param), id)| call(method, &format!("[{param}]"), &id.to_string()));
    let results = ["60", "1", "3", "30", "2.0", "0"];
    let expected = results.iter().zip(1..).map(|(value, id)| result(value, &id.to_string()));
    assert_eq!(calculator.answer(batch(calls)), batch(expected));
}

#[test]
fn calls_of_one_method_run_in_the_order_of_the_requests() {
    let calculator = start();
    for round in 0..20 {
        let calls = (1..=50).map(|id| call("add_up", "[1]", &id.to_string()));
        let results = (1..=50).map(|id| result(&(round * 50 + id).to_string(), &id.to_string()));
        assert_eq!(calculator.answer(batch(calls)), batch(results));
    }
}

#[test]
fn members_run_side_by_side() {
    let calculator = start();
    let start = Instant::now();
    let answer = calculator.answer(batch((0..100).map(|id| call("wait", "[10]", &id.to_string()))));
    assert_eq!(answer, batch((0..100).map(|id| result("10", &id.to_string()))));
    assert!(start.elapsed() < Duration::from_millis(500), "one after another is 1,000 ms: {:?}", start.elapsed());
}

#[test]
fn a_slow_member_holds_up_no_other() {
    let calculator = start();
    let held = batch([call("hold", "[1]", "1"), call("add", "[1,2]", "2"), notification("add_up", "[5]")]);
    std::thread::scope(|scope| {
        let batch_of = scope.spawn(|| calculator.answer(held));
        let add_up = || calculator.service().stats().iter().any(|s| s.method == "add_up" && s.queued + s.inline == 1);
        until("the notification behind it is under way", add_up);
        calculator.gate.add_permits(1);
        assert_eq!(batch_of.join().unwrap(), batch([result("1", "1"), result("3", "2")]));
    });
}

#[test]
fn a_batch_has_at_most_as_many_members_as_is_set_and_nothing_of_a_larger_one_runs() {
    let calculator = start_with(|server| server.batch_limit(3).body_limit(16 << 20));
    let of = |members: usize| batch((0..members).map(|_| call("add_up", "[1]", "1")));
    assert_eq!(calculator.answer(of(3)), batch([result("1", "1"), result("2", "1"), result("3", "1")]));
    let too_many = |body: String| without_reasons(&calculator.answer(body));
    assert_eq!(too_many(of(4)), error(-32600, "null"));
    let quiet = batch((0..4).map(|_| notification("add_up", "[1]")));
    assert_eq!(too_many(quiet), error(-32600, "null"), "notifications count, too");
    assert_eq!(too_many(batch(vec!["1".to_owned(); 5 << 20])), error(-32600, "null"), "10 MiB of 1");
    calculator.server.wait_idle::<crate::calculator::Calculator>();
    assert_eq!(calculator.answer(call("add_up", "[0]", "1")), result("3", "1"));

    let calculator = start();
    let of = |members: usize| calculator.answer(batch((0..members).map(|_| call("nothing", "[]", "1"))));
    assert_eq!(serde_json::from_str::<Vec<Value>>(&of(100)).unwrap().len(), 100, "100 by default");
    assert_eq!(without_reasons(&of(101)), error(-32600, "null"));
}

#[test]
fn a_batch_is_never_refused_for_its_own_size() {
    let calculator = start();
    calculator.gate.add_permits(100);
    let body = batch((0..100).map(|id| call("hold", &format!("[{id}]"), &id.to_string())));
    let expected = batch((0..100).map(|id| result(&id.to_string(), &id.to_string())));
    assert_eq!(calculator.answer(body), expected, "two fit into the mailbox");
    assert_eq!(calculator.waiting_and_refused("hold"), (0, 0));

    calculator.gate.add_permits(100);
    assert_eq!(calculator.answer(batch((0..100).map(|n| notification("hold", &format!("[{n}]"))))), "");
    calculator.server.wait_idle::<crate::calculator::Calculator>();
    assert_eq!(calculator.gate.available_permits(), 0, "all notifications ran, too");
    assert_eq!(calculator.waiting_and_refused("hold"), (0, 0));
}

/// Waits until a call of `hold` runs. Its mailbox has room for two more.
fn until_held(calculator: &Running) {
    until("the service is held", || {
        calculator.service().stats().iter().any(|stats| stats.method == "hold" && stats.running == 1)
    });
}

#[test]
fn a_batch_waits_for_room_in_a_mailbox_that_is_full_of_others_calls() {
    let calculator = start();
    let numbers = |from: usize, to: usize| (from..to).map(|n| (n.to_string(), call("hold", &format!("[{n}]"), "1")));
    std::thread::scope(|scope| {
        let calculator = &calculator;
        // One runs and two wait, which is all that the mailbox takes.
        let mut others = Vec::new();
        for (n, body) in numbers(0, 3) {
            others.push((n, scope.spawn(move || calculator.answer(body))));
            until_held(calculator);
        }
        until("it is full", || calculator.waiting_and_refused("hold").0 == 2);
        let members =
            numbers(3, 8).map(|(_, call)| call).chain([notification("hold", "[8]"), call("nobody", "[]", "1")]);
        let members = batch(members);
        let waits = scope.spawn(move || calculator.answer(members));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished(), "it waits, and is not refused: {:?}", waits.join());
        calculator.gate.add_permits(9);
        for (n, other) in others {
            assert_eq!(other.join().unwrap(), result(&n, "1"));
        }
        let results = numbers(3, 8).map(|(n, _)| result(&n, "1")).chain([error(-32601, "1")]);
        assert_eq!(waits.join().unwrap(), batch(results));
        calculator.server.wait_idle::<crate::calculator::Calculator>();
        assert_eq!((calculator.gate.available_permits(), calculator.waiting_and_refused("hold")), (0, (0, 0)));
    });
}

#[test]
fn members_that_have_waited_and_ended_are_answered_though_another_one_is_cut_off() {
    let calculator = start_with(|server| server.shutdown_timeout(Duration::from_millis(300)));
    let body = batch((0..5).map(|n| call("hold", &format!("[{n}]"), &n.to_string())));
    let address = calculator.server.address();
    let answer = std::thread::spawn(move || request(address, "POST", "/api", &[], body).body);
    until("one runs, two wait, and two wait for room", || calculator.waiting_and_refused("hold").0 == 2);
    calculator.gate.add_permits(4);
    until("four have ended, and the last one runs", || {
        let stats = calculator.service().stats();
        stats.iter().any(|stats| stats.method == "hold" && stats.running == 1 && stats.answered == 4)
    });
    drop(calculator);
    assert_eq!(results_or_codes(&answer.join().unwrap()), [0, 1, 2, 3, -32603]);
}

#[test]
fn a_member_that_is_larger_than_all_that_may_wait_is_refused_at_once() {
    let calculator = start_with(|server| server.body_limit(32 << 20));
    let large = call("hold", &format!("[\"{}\"]", "1".repeat(17 << 20)), "2");
    let body = batch([call("hold", "[1]", "1"), large, call("hold", "[3]", "3")]);
    let address = calculator.server.address();
    let answer = std::thread::spawn(move || request(address, "POST", "/api", &[], body).body);
    // It holds up neither the batch until its deadline nor the member behind it.
    calculator.gate.add_permits(2);
    assert_eq!(results_or_codes(&answer.join().unwrap()), [1, -32000, 3]);
}

/// The results of a batch, in its order, with the code where there is an error.
fn results_or_codes(answer: &str) -> Vec<Value> {
    let answers: Vec<Value> = serde_json::from_str(answer).unwrap();
    let of = |answer: &Value| answer.get("result").unwrap_or(&answer["error"]["code"]).clone();
    answers.iter().map(of).collect()
}

#[test]
fn members_that_find_no_room_before_their_deadline_get_the_deadline_error() {
    let calculator = start();
    std::thread::scope(|scope| {
        let calculator = &calculator;
        for _ in 0..3 {
            scope.spawn(|| calculator.answer(call("hold", "[0]", "1")));
            until_held(calculator);
        }
        until("it is full", || calculator.waiting_and_refused("hold").0 == 2);
        let members = batch((0..3).map(|id| call("hold", "[1]", &id.to_string())));
        let headers = [("Request-Timeout", "0.1")];
        let page = request(calculator.server.address(), "POST", "/api", &headers, members);
        let codes: Vec<_> = serde_json::from_str::<Vec<Value>>(&page.body).unwrap();
        let codes: Vec<_> = codes.iter().map(|answer| answer["error"]["code"].clone()).collect();
        calculator.gate.add_permits(3);
        assert_eq!(codes, [-32002, -32002, -32002]);
    });
    assert_eq!(calculator.waiting_and_refused("hold"), (0, 0));
}

#[test]
fn many_batches_at_once_are_not_refused_for_each_other() {
    let calculator = start();
    // 16 × 100 are more than the 1,024 that the mailbox takes.
    let body = batch((0..100).map(|id| call("byte", &format!("[{id}]"), &id.to_string())));
    let expected = batch((0..100).map(|id| result(&id.to_string(), &id.to_string())));
    std::thread::scope(|scope| {
        let (calculator, body) = (&calculator, &body);
        let held = scope.spawn(|| calculator.answer(call("hold", "[0]", "1")));
        until_held(calculator);
        let batches: Vec<_> = (0..16).map(|_| scope.spawn(move || calculator.answer(body))).collect();
        until("the mailbox is full", || calculator.waiting_and_refused("byte").0 == 1024);
        std::thread::sleep(Duration::from_millis(50));
        calculator.gate.add_permits(1);
        assert_eq!(held.join().unwrap(), result("0", "1"));
        for batch in batches {
            assert_eq!(batch.join().unwrap(), expected);
        }
        assert_eq!(calculator.waiting_and_refused("byte"), (0, 0));
    });
}

#[test]
fn a_batch_waits_for_room_in_a_service_that_is_full_of_others_calls() {
    let calculator = start();
    std::thread::scope(|scope| {
        let calculator = &calculator;
        let held = scope.spawn(|| calculator.answer(call("hold", "[0]", "1")));
        until("the service is held", || {
            calculator.service().stats().iter().any(|stats| stats.method == "hold" && stats.running == 1)
        });
        for (method, params) in [("byte", "[1]"), ("add", "[1,2]"), ("half", "[1]"), ("nothing", "[]")] {
            for _ in 0..10 {
                calculator.answer(batch((0..100).map(|_| notification(method, params))));
            }
            while calculator.waiting_and_refused(method).0 < 1024 {
                calculator.answer(notification(method, params));
            }
        }
        // Its own mailbox is empty, and stays so: no place of it will ever come free.
        let body = batch([call("add_up", "[1]", "1"), call("add_up", "[1]", "2")]);
        let waits = scope.spawn(move || calculator.answer(body));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished(), "it waits, and is not refused: {:?}", waits.join());
        calculator.gate.add_permits(1);
        assert_eq!(held.join().unwrap(), result("0", "1"));
        assert_eq!(waits.join().unwrap(), batch([result("1", "1"), result("2", "2")]));
    });
}

#[test]
fn over_the_response_limit_the_results_that_are_there_stay_and_the_others_are_too_large() {
    let calculator = start_with(|server| server.response_limit(1000));
    let long = |id: &str| call("long_text", "[398]", id);
    let whole = |id| result(&format!("\"{}\"", "x".repeat(398)), id);
    for _ in 0..10 {
        let body = batch([long("1"), long("2"), call("add", "[1,2]", "3"), long("4"), call("nobody", "[]", "5")]);
        let answer = calculator.answer(body);
        // The order of the three is a matter of chance, and so is whether the last ones still ran.
        let not_run = ",\"data\":{\"reason\":\"not run: the results of the batch had reached the response limit; \
                       send fewer calls in one batch\"}";
        let answer = answer.replace(not_run, "");
        let expected = ["1", "2", "4"].map(|late| {
            let of = |id| if id == late { error(-32004, id) } else { whole(id) };
            [result("3", "3"), error(-32004, "3")]
                .map(|short| batch([of("1"), of("2"), short, of("4"), error(-32601, "5")]))
        });
        let answer = without_reasons(&answer);
        assert!(expected.iter().flatten().any(|expected| without_reasons(expected) == answer), "{answer}");
    }
}
