//! `callbox top`, without a terminal.

use std::sync::Arc;

use callbox_test_support::wait::until;
use rustix::process::Signal;
use tokio::sync::Semaphore;

use crate::greeter::{Greeter, TOKEN, greeter, greeter_with};
use crate::market::{market, socket, subscriptions};
use crate::program::{CommandOutput, RunningCommand, command, run_on};

#[test]
fn once_prints_a_table_of_all_mailboxes() {
    let free = Arc::new(Semaphore::new(0));
    let server = greeter_with(&free);
    let url = server.url("/api");
    let seen = |what: &str, is_so: fn(&callbox::stats::MethodStats) -> bool| {
        until(what, || {
            server.service::<Greeter>().stats().iter().any(|method| method.method == "hold" && is_so(method))
        });
    };
    let hold = || command(&["call", &url, "hold"]).spawn().expect("it starts");
    let runs = hold();
    seen("one runs", |hold| hold.running == 1);
    let waits = hold();
    seen("one waits", |hold| hold.depth == 1);
    let output = run_on(&server, "top", &["--once", "--interval", "100ms", "--token", TOKEN]);
    let rows: Vec<Vec<_>> = output.stdout().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["METHOD", "WAITING", "CAPACITY", "RUNNING", "CALLS/S"]);
    let (rows, connections) = rows.split_at(rows.iter().position(Vec::is_empty).expect("an empty line"));
    assert_eq!(connections[1], ["CONNECTIONS", "OPEN", "WEBSOCKETS", "EVENT", "STREAMS", "REJECTED", "SLOW", "SILENT"]);
    assert_eq!(connections[2].len(), 6);
    assert_eq!(connections[2][1..], ["0", "0", "0", "0", "0"]);
    let names: Vec<_> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(names, ["echo", "fail", "greet", "greetings", "hold", "look_up", "note", "say_hello", "whoami"]);
    let hold = rows.iter().find(|row| row[0] == "hold").expect("its row");
    assert_eq!(hold[1..4], ["1", "1", "1"], "one waits, of one that may, while one runs");
    free.add_permits(1);
    for child in [runs, waits] {
        CommandOutput::from(child.wait_with_output().expect("an end")).stdout();
    }
}

#[test]
fn subscriptions_have_columns_once_there_are_some() {
    let server = market(1024, &Arc::new(Semaphore::new(0)));
    let table = || {
        let output = run_on(&server, "top", &["--once", "--interval", "100ms", "--token", TOKEN]);
        let rows = output.stdout().lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
        rows.collect::<Vec<Vec<String>>>()
    };
    assert!(!table()[0].contains(&"ITEMS/S".to_owned()));
    let prices = RunningCommand::start(&["call", &socket(&server), "prices"]);
    until("it has subscribed", || subscriptions(&server) == 1);
    let rows = table();
    assert!(rows[0].ends_with(&["SUBSCRIPTIONS", "ITEMS/S", "MISSED/S"].map(str::to_owned)), "{rows:?}");
    let row = |name: &str| {
        rows.iter().find(|row| row.first().is_some_and(|first| first == name)).expect("its row")[10..].to_vec()
    };
    assert_eq!(
        (row("prices"), row("set")),
        (["1", "0", "0"].map(str::to_owned).into(), ["-"; 3].map(str::to_owned).into())
    );
    prices.signal(Signal::INT);
    assert_eq!(prices.end().code, Some(130));
}

/// A service whose server checks no tokens.
struct Open;

#[callbox::service]
impl Open {
    #[public_method]
    fn look(&self) {}
}

#[test]
fn a_missing_terminal_or_token_is_reported_and_a_server_without_tokens() {
    let server = greeter();
    assert!(run_on(&server, "top", &["--token", TOKEN]).error(2).contains("--once"));
    assert!(run_on(&server, "top", &["--once"]).error(7).contains("token"));
    let open = callbox::testing::start(callbox::Server::new(|| Open));
    let error = run_on(&open, "top", &["--once"]);
    assert!(error.error(3).contains("checks tokens") && error.error(3).contains("/metrics"), "{}", error.error(3));
}
