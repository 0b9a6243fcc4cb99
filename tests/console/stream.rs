//! The stream that the page follows: who may, what it says, and that it ends.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox_test_support::http::{Connection, head, request};
use callbox_test_support::wait::until;
use serde_json::{Value, json};

use crate::service::{open, server, start};

/// One page's stream, event by event.
struct Page(BufReader<TcpStream>);

impl Page {
    /// Opens the stream, which has to be granted.
    fn open(server: &TestServer, token: &str) -> Self {
        let mut connection = Connection::open(server.address());
        connection.send(head("GET", "/console/mailboxes", &[("X-Api-Token", token), ("Content-Type", "")]));
        let mut page = Self(BufReader::new(connection.0));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(page.0.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"), "{head}");
        page
    }

    /// The next frame; `None` at the end.
    fn frame(&mut self) -> Option<Value> {
        let mut line = String::new();
        loop {
            line.clear();
            // The last chunk is empty. The connection outlives it.
            if self.0.read_line(&mut line).unwrap() == 0 || line == "0\r\n" {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }
}

fn call(server: &TestServer, method: &str, params: &Value) -> Value {
    server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 }))
}

fn method<'a>(frame: &'a Value, name: &str) -> &'a Value {
    let methods = frame["services"][0]["methods"].as_array().unwrap();
    methods.iter().find(|method| method["method"] == name).unwrap()
}

#[test]
fn callers_who_may_not_call_rpc_mailboxes_may_not_watch() {
    let server = start();
    for token in ["", "wrong"] {
        let answer = request(server.address(), "GET", "/console/mailboxes", &[("X-Api-Token", token)], "");
        assert_eq!((answer.status, &answer.json()["code"]), (401, &json!(-32001)), "{answer:?}");
        assert!(!answer.body.contains("kitchen"), "{answer:?}");
    }
    let in_query = request(server.address(), "GET", "/console/mailboxes?X-Api-Token=hello_world", &[], "");
    assert_eq!(in_query.status, 401);
    assert_eq!(Page::open(&server, "hello_world").frame().unwrap()["services"][0]["service"], "test.kitchen");
}

#[test]
fn a_server_that_checks_no_tokens_shows_its_mailboxes_to_everybody() {
    let server = testing::start(open());
    assert_eq!(Page::open(&server, "").frame().unwrap()["services"][0]["service"], "test.open");
}

#[test]
fn a_frame_counts_the_calls_since_the_page_was_opened() {
    let server = start();
    for _ in 0..3 {
        call(&server, "kitchen.echo", &json!([1]));
    }
    let mut page = Page::open(&server, "hello_world");
    let first = page.frame().unwrap();
    let echo = method(&first, "kitchen.echo");
    assert_eq!(
        (&first["window_s"], &echo["ended"]["answered"], &echo["run"]),
        (&json!(0.0), &json!(0), &json!({ "count": 0, "p50_us": null, "p99_us": null })),
        "earlier calls are not counted as new"
    );
    assert_eq!((&echo["depth"], &echo["capacity"], &echo["group"]), (&json!(0), &json!(1024), &Value::Null));

    for params in [json!([1]), json!([2]), json!([1, 2])] {
        call(&server, "kitchen.echo", &params);
    }
    let next = page.frame().unwrap();
    let echo = method(&next, "kitchen.echo");
    assert_eq!((&echo["ended"]["answered"], &echo["run"]["count"]), (&json!(2), &json!(2)), "{echo}");
    assert_eq!(echo["refused_for"], json!({ "full": 0, "hopeless": 0, "overdue": 0, "unavailable": 0, "params": 1 }));
    assert!(echo["run"]["p99_us"].as_f64() >= echo["run"]["p50_us"].as_f64(), "{echo}");
    assert!(echo["ran_per_s"].as_f64().unwrap() > 0.0 && next["window_s"].as_f64().unwrap() > 0.0, "{next}");
    assert_eq!(echo["rejected_per_s"], json!(0.0), "a caller's mistake is no overload");
}

#[test]
fn all_pages_get_the_same_frames() {
    let server = start();
    let mut pages = [Page::open(&server, "hello_world"), Page::open(&server, "hello_world")];
    assert!(pages.iter_mut().all(|page| page.frame().is_some()));
    let [one, other] = pages.each_mut().map(|page| page.frame().unwrap());
    let [first, second] = [&one, &other].map(|frame| frame["window_s"].as_f64().unwrap());
    assert!(
        first == second || (first - second).abs() > 0.5,
        "of one sampling, or of two a second apart: {first} {second}"
    );
}

#[test]
fn a_stop_ends_the_streams_and_does_not_wait_for_them() {
    let server = testing::start(server().shutdown_timeout(Duration::from_secs(25)));
    let mut page = Page::open(&server, "hello_world");
    page.frame().unwrap();
    let began = std::time::Instant::now();
    drop(server);
    while page.frame().is_some() {}
    assert!(began.elapsed() < Duration::from_secs(20), "the stop waited for its limit");
}

#[test]
fn pages_that_do_not_read_hold_up_nobody() {
    let server = start();
    let stalled: Vec<_> = (0..8).map(|_| Page::open(&server, "hello_world")).collect();
    let mut page = Page::open(&server, "hello_world");
    for _ in 0..3 {
        assert!(page.frame().is_some());
    }
    assert_eq!(call(&server, "kitchen.echo", &json!([5]))["result"], 5);
    drop(stalled);
}

/// Good decisions are kept for 10 s at most, and a page that stays is asked for its token as often.
#[test]
fn a_page_whose_token_is_revoked_gets_no_more_frames() {
    static REVOKED: AtomicBool = AtomicBool::new(false);
    let server = testing::start(open().tokens(|_: &str| !REVOKED.load(Ordering::SeqCst)));
    let mut page = Page::open(&server, "hello_world");
    assert!(page.frame().is_some());
    REVOKED.store(true, Ordering::SeqCst);
    let frames = std::iter::from_fn(|| page.frame()).take(60).count();
    assert!(frames < 60, "a page gets frames for a minute after its token was revoked");
}

#[test]
fn there_is_a_limit_to_the_pages_and_room_again_when_one_has_gone() {
    let server = start();
    let mut pages: Vec<_> = (0..64).map(|_| Page::open(&server, "hello_world")).collect();
    let watch = || request(server.address(), "GET", "/console/mailboxes", &[("X-Api-Token", "hello_world")], "").status;
    assert_eq!(watch(), 503);
    pages.pop();
    // The server sees the end of the connection a moment later.
    until("there is room again", || {
        let mut connection = Connection::open(server.address());
        connection.send(head("GET", "/console/mailboxes", &[("X-Api-Token", "hello_world")]));
        let mut line = String::new();
        BufReader::new(connection.0).read_line(&mut line).unwrap();
        line.starts_with("HTTP/1.1 200")
    });
}
