//! The socket that the page opens, and the mailboxes that come over it: who may watch them, what is
//! said, and that it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use callbox::Server;
use callbox::testing::{self, TestServer};
use callbox_test_support::http::{Connection, Response};
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{WebSocket, handshake_at};
use serde_json::{Value, json};

use crate::service::{open, server, start};

const SOCKET: &str = "/console/socket";
const WATCH: &str = "rpc.watchMailboxes";

fn socket(server: &TestServer, token: &str) -> WebSocket {
    WebSocket::open_at(server.address(), SOCKET, &[("X-Api-Token", token)])
}

/// One page that watches.
struct Page {
    socket: WebSocket,
    subscription: String,
}

impl Page {
    /// Opens the page, which may watch.
    fn open(server: &TestServer, token: &str) -> Self {
        let mut socket = socket(server, token);
        let subscription = socket.subscribe(WATCH, json!({}));
        Self { socket, subscription }
    }

    /// Waits for what comes next: a frame, or the end.
    fn notice(&mut self) -> Value {
        self.socket.notice_of(&self.subscription)
    }

    fn frame(&mut self) -> Value {
        self.notice()["result"].take()
    }
}

fn call(server: &TestServer, method: &str, params: &Value) -> Value {
    server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 }))
}

fn method<'a>(frame: &'a Value, name: &str) -> &'a Value {
    let methods = frame["services"][0]["methods"].as_array().unwrap();
    methods.iter().find(|method| method["method"] == name).unwrap()
}

fn refused(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut connection = Connection::open(server.address());
    connection.send(handshake_at(path, headers));
    connection.read_response()
}

#[test]
fn callers_who_may_not_call_rpc_mailboxes_may_not_watch() {
    let server = start();
    for token in ["", "wrong"] {
        assert_eq!(socket(&server, token).error_code(WATCH, json!({})), -32001, "{token}");
    }
    let mut in_query = WebSocket::open_at(server.address(), "/console/socket?X-Api-Token=hello_world", &[]);
    assert_eq!(in_query.error_code(WATCH, json!({})), -32001);
    assert_eq!(Page::open(&server, "hello_world").frame()["services"][0]["service"], "test.kitchen");
    // "hello_world", as a browser sends it.
    let offered = [("Sec-WebSocket-Protocol", "callbox, callbox.token.aGVsbG9fd29ybGQ")];
    WebSocket::open_at(server.address(), SOCKET, &offered).subscribe(WATCH, json!({}));
}

#[test]
fn a_server_that_checks_no_tokens_shows_its_mailboxes_to_everybody() {
    let server = testing::start(open());
    assert_eq!(Page::open(&server, "").frame()["services"][0]["service"], "test.open");
}

#[test]
fn other_hosts_and_other_sites_get_no_socket() {
    let server = start();
    for (header, status) in [
        (("Host", "rebound.evil.net"), 421),
        (("Origin", "https://evil.net"), 403),
        (("Origin", "null"), 403),
        (("Upgrade", "h2c"), 426),
    ] {
        assert_eq!(refused(&server, SOCKET, &[header, ("X-Api-Token", "hello_world")]).status, status, "{header:?}");
    }
    assert_eq!(refused(&server, "/console", &[]).status, 200, "the page itself is no socket");
}

/// The socket of the page is one of an endpoint, whatever the dialect of that is.
#[test]
fn calls_go_over_the_socket_as_well() {
    for dialect in [callbox::Dialect::Jsonrpc, callbox::Dialect::Gemstone] {
        let server = testing::start(server().dialect(dialect));
        let mut socket = socket(&server, "hello_world");
        assert_eq!(socket.result("kitchen.take_stock", json!([2])), 2);
        assert_eq!(socket.call("kitchen.echo", json!([1])), json!({ "jsonrpc": "2.0", "result": 1, "id": 2 }));
    }
}

#[test]
fn the_mailboxes_can_be_watched_only_if_there_is_a_console() {
    let taken = |server: Server| {
        server.configure(|config| {
            config.route("/console", web::get().to(async || HttpResponse::Ok().body("mine")));
        })
    };
    for (server, expected) in [(open(), None), (open().console(false), Some(-32601)), (taken(open()), Some(-32601))] {
        let server = testing::start(server);
        let answer = WebSocket::open(server.address()).call(WATCH, json!({}));
        assert_eq!(answer["error"]["code"].as_i64(), expected, "{answer}");
    }
    let server = testing::start(open());
    assert_eq!(call(&server, WATCH, &json!({}))["error"]["code"], -32600, "and not by a plain POST");
    assert_eq!(WebSocket::open(server.address()).error_code(WATCH, json!([1])), -32602);
}

#[test]
fn a_frame_counts_the_calls_since_the_page_was_opened() {
    let server = start();
    for _ in 0..3 {
        call(&server, "kitchen.echo", &json!([1]));
    }
    let mut page = Page::open(&server, "hello_world");
    let first = page.frame();
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
    let next = page.frame();
    let echo = method(&next, "kitchen.echo");
    assert_eq!((&echo["ended"]["answered"], &echo["run"]["count"]), (&json!(2), &json!(2)), "{echo}");
    let refused_for = json!({ "full": 0, "caller": 0, "hopeless": 0, "overdue": 0, "unavailable": 0, "params": 1 });
    assert_eq!(echo["refused_for"], refused_for);
    assert_eq!((&echo["ended"]["cancelled"], &echo["ended"]["abandoned"]), (&json!(0), &json!(0)));
    let connections = &next["connections"];
    assert_eq!((&connections["websockets"], &connections["rejected"]), (&json!(1), &json!(0)), "{connections}");
    assert!(echo["run"]["p99_us"].as_f64() >= echo["run"]["p50_us"].as_f64(), "{echo}");
    assert!(echo["ran_per_s"].as_f64().unwrap() > 0.0 && next["window_s"].as_f64().unwrap() > 0.0, "{next}");
    assert_eq!(echo["rejected_per_s"], json!(0.0), "a caller's mistake is no overload");
}

#[test]
fn all_pages_get_the_same_frames() {
    let server = start();
    let mut pages = [Page::open(&server, "hello_world"), Page::open(&server, "hello_world")];
    assert!(pages.iter_mut().all(|page| page.frame().is_object()));
    let [one, other] = pages.each_mut().map(Page::frame);
    let [first, second] = [&one, &other].map(|frame| frame["window_s"].as_f64().unwrap());
    assert!(
        first == second || (first - second).abs() > 0.5,
        "of one sampling, or of two a second apart: {first} {second}"
    );
}

#[test]
fn a_page_that_unsubscribes_gets_no_more_frames() {
    let server = start();
    let mut page = Page::open(&server, "hello_world");
    page.frame();
    assert_eq!(page.socket.result("rpc.unsubscribe", json!([page.subscription])), true);
    page.socket.take_notices();
    assert_eq!(page.socket.result("kitchen.echo", json!([1])), 1);
    assert_eq!(page.socket.take_notices(), Vec::<Value>::new());
}

#[test]
fn a_stop_ends_the_pages_and_does_not_wait_for_them() {
    let server = testing::start(server().shutdown_timeout(Duration::from_secs(25)));
    let mut page = Page::open(&server, "hello_world");
    page.frame();
    let began = Instant::now();
    drop(server);
    let error = std::iter::repeat_with(|| page.notice()).find_map(|notice| notice["error"]["code"].as_i64());
    assert_eq!(error, Some(-32003));
    assert!(began.elapsed() < Duration::from_secs(20), "the stop waited for its limit");
}

#[test]
fn pages_that_do_not_read_hold_up_nobody() {
    let server = start();
    let stalled: Vec<_> = (0..8).map(|_| Page::open(&server, "hello_world")).collect();
    let mut page = Page::open(&server, "hello_world");
    for _ in 0..3 {
        assert!(page.frame().is_object());
    }
    assert_eq!(call(&server, "kitchen.echo", &json!([5]))["result"], 5);
    drop(stalled);
}

/// Good decisions are kept for 10 s at most, and the token of a socket is checked as often.
#[test]
fn a_page_whose_token_is_revoked_gets_no_more_frames() {
    static REVOKED: AtomicBool = AtomicBool::new(false);
    let server = testing::start(open().tokens(|_: &str| !REVOKED.load(Ordering::SeqCst)));
    let mut page = Page::open(&server, "hello_world");
    assert!(page.frame().is_object());
    REVOKED.store(true, Ordering::SeqCst);
    let error = std::iter::repeat_with(|| page.notice()).take(60).find_map(|notice| notice["error"]["code"].as_i64());
    assert_eq!(error, Some(-32001), "a page gets frames for a minute after its token was revoked");
}

#[test]
fn there_is_a_limit_to_the_pages_and_room_again_when_one_has_gone() {
    let server = start();
    let mut pages: Vec<_> = (0..64).map(|_| Page::open(&server, "hello_world")).collect();
    let mut further = socket(&server, "hello_world");
    let answer = further.call(WATCH, json!({}));
    let data = json!({ "method": WATCH, "reason": "subscriptions", "capacity": 64 });
    assert_eq!((&answer["error"]["code"], &answer["error"]["data"]), (&json!(-32000), &data));
    pages.pop();
    // The server sees the end of the connection a moment later.
    until("there is room again", || further.call(WATCH, json!({}))["result"].is_string());
}
