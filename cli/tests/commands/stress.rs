//! `callbox stress`.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;

use callbox::testing::TestServer;
use callbox_test_support::free_port::free_address;
use callbox_test_support::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fake_socket::{Connection, FakeSocket};
use crate::greeter::{Greeter, TOKEN, greeter};
use crate::market::socket;
use crate::program::{CommandOutput, command, run, run_on};
use crate::stub::stub;

fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report:#}"))
}

/// Returns the number of calls with an error of this code; `None` means those with a result.
fn outcome(report: &Value, code: Option<i64>) -> u64 {
    let outcomes = report["outcomes"].as_array().expect("a list");
    let of = outcomes.iter().filter(|outcome| outcome["code"].as_i64() == code);
    of.map(|outcome| count(outcome, "calls")).sum()
}

#[test]
fn every_call_of_a_run_is_accounted_for() {
    for (scheme, places) in [("http", &["--connections", "8"][..]), ("ws", &["--connections", "2", "--in-flight", "4"])]
    {
        let server = greeter();
        let url = server.url("/api").replace("http", scheme);
        let words = ["stress", &url, "say_hello", "name=world", "--rate", "500", "--duration", "1s", "--json"];
        accounts_for_every_call(&server, &run(&[&words[..], places].concat()).json());
    }
}

fn accounts_for_every_call(server: &TestServer, report: &Value) {
    let calls = count(report, "calls");
    assert!((400..=600).contains(&calls), "{calls} calls at 500 a second for a second");
    assert_eq!(calls, count(report, "answered") + count(report, "errors"));
    assert_eq!(outcome(report, None), calls, "all of them had a result");
    let stats = server.service::<Greeter>().stats();
    let method = stats.iter().find(|method| method.method == "say_hello").expect("the method");
    assert_eq!(method.answered, calls, "the server has counted the same");
    let latency = &report["outcomes"][0]["latency_us"];
    let times: Vec<_> =
        ["p50", "p75", "p90", "p99", "p99_9", "max"].map(|at| latency[at].as_f64().expect("a time")).into();
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
    let over_time = report["over_time"].as_array().expect("a list");
    assert_eq!(over_time.iter().map(|part| count(part, "results") + count(part, "errors")).sum::<u64>(), calls);
}

#[test]
fn errors_are_counted_by_their_code() {
    let server = greeter();
    for url in [server.url("/api"), socket(&server)] {
        counts_errors_by_their_code(&url);
    }
}

fn counts_errors_by_their_code(url: &str) {
    let words = ["--rate", "200", "--duration", "500ms", "--arrivals", "even", "--json"];
    let stress = |call: &[&str]| run(&[&["stress", url], call, &words].concat()).json();
    for (call, code) in [
        (&["look_up", "bob"][..], 404),
        (&["no_such_method"], -32601),
        (&["whoami"], -32001),
        (&["say_hello", "--token", TOKEN], -32602),
    ] {
        let report = stress(call);
        assert_eq!(outcome(&report, Some(code)), 100, "{call:?}: {report:#}");
        assert_eq!((count(&report, "calls"), count(&report, "errors")), (100, 100));
    }
    let report = stress(&["whoami", "--token", TOKEN]);
    assert_eq!((outcome(&report, None), count(&report, "errors")), (100, 0), "the token is sent");
}

#[test]
fn calls_without_a_response_are_counted() {
    // A server that accepts connections and never reads.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = deaf.local_addr().expect("an address").to_string();
    let words = [
        "--rate",
        "100",
        "--duration",
        "300ms",
        "--drain-timeout",
        "200ms",
        "--connections",
        "4",
        "--arrivals",
        "even",
    ];
    let output = run(&[&["stress", &address, "x"], &words[..], &["--json"]].concat());
    assert_eq!(output.code, Some(5), "{output:?}");
    let report: Value = serde_json::from_str(&output.out).expect("JSON");
    let of = |name: &str| {
        let outcomes = report["outcomes"].as_array().expect("a list");
        outcomes.iter().find(|outcome| outcome["outcome"] == name).map(|outcome| count(outcome, "calls"))
    };
    assert_eq!((of("no answer in time"), of("never sent")), (Some(4), Some(26)), "{report:#}");
    // The time that they waited counts, up to the end of the run.
    let longest = report["outcomes"][0]["latency_us"]["max"].as_f64().expect("a time");
    assert!(longest >= 400e3, "{longest}");
}

#[test]
fn a_closed_connection_is_opened_again() {
    let url = stub("200 OK", r#"{"jsonrpc":"2.0","result":1,"id":1}"#);
    let words = ["--rate", "50", "--duration", "1s", "--connections", "2", "--arrivals", "even", "--json"];
    let report = run(&[&["stress", &url, "x"], &words[..]].concat()).json();
    assert_eq!((count(&report, "answered"), count(&report, "errors")), (50, 0), "{report:#}");
}

#[test]
fn a_closed_websocket_is_opened_again_and_what_was_in_flight_is_lost() {
    let server = FakeSocket::start(async |listener| {
        let mut connection = Connection::accept(&listener).await;
        for _ in 0..10 {
            connection.answer("1").await;
        }
        connection.receive().await.expect("a call");
        drop(connection);
        let mut connection = Connection::accept(&listener).await;
        for _ in 0..39 {
            connection.answer("1").await;
        }
    });
    let words = ["--rate", "50", "--duration", "1s", "--connections", "1", "--arrivals", "even", "--json"];
    let report = run(&[&["stress", &server.url, "x"], &words[..]].concat()).json();
    server.end();
    assert_eq!((count(&report, "answered"), count(&report, "errors")), (49, 1), "{report:#}");
    let outcomes = report["outcomes"].as_array().expect("a list");
    assert!(outcomes.iter().any(|outcome| outcome["outcome"] == "connection lost"), "{report:#}");
}

#[test]
fn a_websocket_carries_no_more_calls_than_it_may_and_other_messages_are_no_responses() {
    let server = FakeSocket::start(async |listener| {
        let mut connection = Connection::accept(&listener).await;
        let mut calls = Vec::new();
        for _ in 0..3 {
            calls.push(connection.receive().await.expect("a call"));
        }
        // Subscriptions have such messages, with any number in them.
        connection.send(r#"{"method":"x","params":{"subscription":0,"result":1},"id":null}"#).await;
        let next = tokio::time::timeout(std::time::Duration::from_millis(300), connection.receive()).await;
        assert!(next.is_err(), "a fourth call: {next:?}");
        for call in calls.iter().rev() {
            connection.send(&format!(r#"{{"jsonrpc":"2.0","result":null,"id":{}}}"#, call["id"])).await;
        }
        while let Some(call) = connection.receive().await {
            connection.send(&format!(r#"{{"jsonrpc":"2.0","result":null,"id":{}}}"#, call["id"])).await;
        }
    });
    let places = ["--connections", "1", "--in-flight", "3"];
    let words = ["--rate", "100", "--duration", "200ms", "--arrivals", "even", "--json"];
    let report = run(&[&["stress", &server.url, "x"], &places[..], &words].concat()).json();
    server.end();
    assert_eq!((count(&report, "answered"), count(&report, "errors")), (20, 0), "{report:#}");
    assert_eq!((count(&report, "connections"), count(&report, "in_flight")), (1, 3));
    assert!(count(&report, "waited_for_a_connection") > 0);
}

#[test]
fn a_server_without_a_websocket_and_what_does_not_fit_one_are_reported() {
    let server = greeter();
    let url = socket(&server);
    assert!(run(&["stress", &url.replace("/api", "/x"), "x"]).error(5).contains("status 404"));
    assert!(run(&["stress", &url, "x", "--deadline", "1s"]).error(2).contains("http://"));
    assert!(run_on(&server, "stress", &["x", "--in-flight", "2"]).error(2).contains("ws://"));
}

#[test]
fn the_table_has_a_row_for_each_outcome_and_the_plot_is_valid_xml() {
    let server = greeter();
    let scratch = tempfile::tempdir().expect("a directory");
    let plot = scratch.path().join("plot.svg");
    // A name that must be escaped in XML.
    let words = ["<&\">", "--rate", "200", "--duration", "500ms", "--plot", plot.to_str().expect("text")];
    let output = run_on(&server, "stress", &words);
    let text = output.stdout();
    let mut lines = text.lines();
    let head: Vec<_> = lines.next().expect("a head").split_whitespace().collect();
    assert_eq!(head, ["latency", "calls", "p50", "p90", "p99", "p99.9", "max"]);
    assert!(lines.next().expect("a row").starts_with("-32601 Method not found"), "{text}");
    // The line breaks depend on the figures.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(" 0 results, ") && words.contains(" 0 without an answer."), "{text}");
    let svg = fs::read_to_string(&plot).expect("a plot");
    let document = roxmltree::Document::parse(&svg).expect("good XML");
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
    assert!(texts.iter().any(|text| text.contains("Latency of <&\"> at 200 calls/s")), "{texts:?}");
    let line = document.descendants().filter_map(|node| node.attribute("d")).map(str::len).max();
    assert!(line > Some(200), "there is a line of many points");
}

#[test]
fn another_machine_is_a_target_only_with_the_flag() {
    for url in ["http://192.0.2.1/api", "ws://[2001:db8::1]/api", "https://127.0.0.1/api", "wss://127.0.0.1/api"] {
        run(&["stress", url, "x"]).error(2);
    }
    assert!(run(&["stress", "http://192.0.2.1/api", "x"]).error(2).contains("--allow-remote"));
    let gone = free_address();
    assert!(run(&["stress", &gone.to_string(), "x"]).error(5).contains("cannot be reached"));
}

#[test]
fn ctrl_c_ends_a_run_with_the_figures_so_far() {
    let server = greeter();
    let url = server.url("/api");
    let words = ["stress", &url, "say_hello", "name=x", "--rate", "200", "--duration", "1h", "--json"];
    let child = command(&words).stdout(Stdio::piped()).spawn().expect("it starts");
    let answered = || {
        let stats = server.service::<Greeter>().stats();
        stats.iter().find(|method| method.method == "say_hello").map_or(0, |method| method.answered)
    };
    until("some calls are answered", || answered() > 20);
    let id = Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    kill_process(id, Signal::INT).expect("it is there");
    let output = CommandOutput::from(child.wait_with_output().expect("an end"));
    assert_eq!((output.code, output.err.as_str()), (Some(130), ""));
    let report: Value = serde_json::from_str(&output.out).expect("JSON");
    assert_eq!(count(&report, "answered"), answered(), "calls in progress are waited for");
    assert_eq!(count(&report, "calls"), count(&report, "answered") + count(&report, "errors"));
}
