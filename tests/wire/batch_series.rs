//! Batch members that call the same short method in a row run as one series: each ends as it would
//! alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callbox::{RpcError, Server, service, testing};
use callbox_test_support::wait::until;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::calculator::{batch, call, notification};

#[derive(Default)]
struct Till {
    total: i64,
}

#[service(name = "test.till")]
impl Till {
    /// The total, to begin with one that is short.
    #[public_method(mailbox_group = "total")]
    fn total(&self) -> i64 {
        self.total
    }

    /// Adds to the total; 13 tears it.
    #[public_method(mailbox_group = "total")]
    fn enter(&mut self, amount: i64) -> i64 {
        self.total += amount;
        assert_ne!(amount, 13, "on purpose");
        self.total
    }

    #[public_method]
    fn share(&self, of: i64, among: i64) -> Result<i64, RpcError> {
        assert_ne!(among, 13, "on purpose");
        of.checked_div(among).ok_or_else(|| RpcError::new(7, "Among nobody"))
    }

    #[public_method]
    fn nap(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// A till whose methods have each run once, so that they are known to be short.
fn till() -> testing::InProcess<Till> {
    let till = testing::in_process(Till::default);
    for (method, params) in [("total", "[]"), ("enter", "[0]"), ("share", "[1,1]")] {
        till.post(call(method, params, "1")).expect("an answer");
    }
    till
}

/// Calls of one method with these parameters, with ids from 1 on.
fn calls(method: &str, params: &[&str]) -> String {
    batch((1..).zip(params).map(|(id, params)| call(method, params, &format!("{id}"))))
}

/// The results, or the codes of the errors; the ids are checked.
#[track_caller]
fn outcomes(answer: Option<String>) -> Vec<Result<i64, i64>> {
    let answers: Vec<Value> = serde_json::from_str(&answer.expect("an answer")).expect("a batch");
    let number = |value: &Value| value.as_i64().expect("a number");
    let ids: Vec<_> = answers.iter().map(|answer| number(&answer["id"])).collect();
    assert!(ids.iter().copied().eq(1..=ids.len() as i64), "{ids:?}");
    let outcome = |answer: &Value| match answer.get("result") {
        Some(result) => Ok(number(result)),
        None => Err(number(&answer["error"]["code"])),
    };
    answers.iter().map(outcome).collect()
}

#[test]
fn an_error_of_one_is_no_error_of_its_neighbours() {
    let answer = till().post(calls("share", &["[6,3]", "[1,0]", "[1]", "[9,3]", "[1,13]", "[8,2]"]));
    assert_eq!(outcomes(answer), [Ok(2), Err(7), Err(-32602), Ok(3), Err(-32603), Ok(4)]);
}

#[test]
fn behind_a_panic_that_tears_the_state_the_others_find_a_new_one() {
    let answer = till().post(calls("enter", &["[1]", "[2]", "[13]", "[4]", "[5]"]));
    assert_eq!(outcomes(answer), [Ok(1), Ok(3), Err(-32603), Ok(4), Ok(9)]);
}

#[test]
fn notifications_between_calls_run_in_their_turn_and_are_not_answered() {
    let till = till();
    let enter = |amount: &str| notification("enter", amount);
    let members = [
        call("enter", "[1]", "1"),
        call("enter", "[2]", "2"),
        enter("[10]"),
        enter("[20]"),
        enter("[\"none\"]"),
        enter("[30]"),
        call("enter", "[3]", "3"),
        call("total", "[]", "4"),
        call("total", "[1]", "5"),
        call("nobody", "[]", "6"),
        call("nobody", "[]", "7"),
    ];
    let expected = [Ok(1), Ok(3), Ok(66), Ok(66), Err(-32602), Err(-32601), Err(-32601)];
    assert_eq!(outcomes(till.post(batch(members))), expected);
}

#[test]
fn each_is_counted_once() {
    let till = till();
    for _ in 0..10 {
        till.post(calls("share", &["[6,3]"; 50])).unwrap();
        till.post(calls("share", &["[6,0]", "[6]", "[6,3]"])).unwrap();
    }
    let stats = till.service().stats();
    let share = stats.iter().find(|stats| stats.method == "share").unwrap();
    let ended = (share.answered, share.failed, share.refused_for.params, share.running);
    assert_eq!(ended, (1 + 510, 10, 10, 0), "{share:?}");
    assert_eq!(share.inline + share.queued, 1 + 520, "{share:?}");
}

#[test]
fn behind_a_long_one_no_further_one_runs_where_it_is() {
    let till = till();
    till.post(call("nap", "[0]", "1")).unwrap();
    let inline = || till.service().stats().into_iter().find(|stats| stats.method == "nap").unwrap().inline;
    till.post(calls("nap", &["[0]", "[0]"])).unwrap();
    let before = inline();
    // Eight that are short are one series.
    till.post(calls("nap", &["[20]", "[0]", "[0]", "[0]", "[0]", "[0]", "[0]", "[0]"])).unwrap();
    assert!(inline() <= before + 1, "{} and not {before}, or one more", inline());
}

/// Keeps things in the order in which they came.
struct Shelf {
    gate: Arc<Semaphore>,
    kept: Arc<AtomicUsize>,
}

#[service(name = "test.shelf")]
impl Shelf {
    /// Has the state to itself until the gate is opened.
    #[public_method]
    async fn hold(&mut self) {
        self.gate.acquire().await.expect("the gate stays").forget();
    }

    /// Says how many are on the shelf.
    #[public_method(mailbox = 1)]
    fn put(&mut self) -> usize {
        self.kept.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Opens the gate of the shelf.
struct Keeper {
    gate: Arc<Semaphore>,
    kept: Arc<AtomicUsize>,
}

#[service(name = "test.keeper", namespace = "keeper")]
impl Keeper {
    /// Lets one through, and comes back when so many are on the shelf.
    #[public_method]
    fn open(&self, gates: usize, kept: usize) {
        self.gate.add_permits(gates);
        let begin = Instant::now();
        while self.kept.load(Ordering::SeqCst) < kept && begin.elapsed() < Duration::from_secs(10) {
            std::hint::spin_loop();
        }
    }
}

#[test]
fn members_that_found_no_room_go_before_those_behind_them() {
    let (gate, kept) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let keeper = {
        let (gate, kept) = (gate.clone(), kept.clone());
        move || Keeper { gate: gate.clone(), kept: kept.clone() }
    };
    let shelf = move || Shelf { gate: gate.clone(), kept: kept.clone() };
    let server = testing::start(Server::new(shelf).service(keeper));
    // Both are known to be short.
    server.post(batch([call("put", "[]", "1"), call("keeper.open", "[0,0]", "2")]));
    let running = |method: &str| {
        let stats = server.service::<Shelf>().stats();
        stats.iter().find(|stats| stats.method == method).map(|stats| stats.running)
    };
    // More than once, as it is left to the system how soon the one that waits can run.
    for kept in (1..200).step_by(15) {
        let order: Vec<_> = std::thread::scope(|scope| {
            scope.spawn(|| server.post(call("hold", "[]", "1")));
            until("it holds the state", || running("hold") == Some(1));
            // Of the first eight, one waits in the mailbox, six are rejected, and the last one runs
            // the waiting one first.
            let put = |id: usize| call("put", "[]", &id.to_string());
            let open = call("keeper.open", &format!("[1,{}]", kept + 1), "8");
            let members = (1..8).map(put).chain([open]).chain((9..17).map(put));
            let answers: Vec<Value> = serde_json::from_str(&server.post(batch(members)).body).expect("a batch");
            answers.iter().filter_map(|answer| answer["result"].as_u64()).collect()
        });
        assert!(order.iter().copied().eq(kept + 1..=kept + 15), "{order:?}");
    }
}
