//! The calls that one caller may have in a method at once: `per_caller`.

use std::net::SocketAddr;
use std::sync::Arc;

use callbox::auth::Authenticate;
use callbox::stats::MethodStats;
use callbox::testing::{self, TestServer};
use callbox::{BoxError, Caller, RpcError, Server, Subscription, Topic, service};
use callbox_test_support::http::{Connection, request};
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::calculator::{batch, call, notification, result};

const BUSY: i64 = -32000;

struct Kiosk {
    gate: Arc<Semaphore>,
    news: Topic<u64>,
}

impl Kiosk {
    async fn wait(&self, n: u64) -> u64 {
        self.gate.acquire().await.expect("it is open").forget();
        n
    }
}

#[service(name = "kiosk")]
impl Kiosk {
    /// One runs, others wait.
    #[public_method(mailbox = 6, per_caller = 2)]
    async fn serve(&mut self, n: u64) -> u64 {
        self.wait(n).await
    }

    #[public_method(per_caller = 1, deadline = "50ms")]
    async fn hurry(&self) -> u64 {
        self.wait(0).await
    }

    #[public_method(per_caller = 1)]
    async fn stay(&self) -> u64 {
        self.wait(0).await
    }

    #[public_method(per_caller = 1)]
    fn end(&self, how: String) -> Result<u64, RpcError> {
        match how.as_str() {
            "error" => Err(RpcError::new(7, "closed")),
            "panic" => panic!("on purpose"),
            _ => Ok(7),
        }
    }

    #[public_method(per_caller = 1, compute)]
    fn compute(how: String) -> u64 {
        if how == "panic" {
            panic!("on purpose");
        }
        7
    }

    #[public_method(per_caller = 1)]
    fn ruin(&mut self) {
        panic!("on purpose");
    }

    #[public_method(subscription, per_caller = 1)]
    fn news(&self) -> Subscription<u64> {
        self.news.subscribe()
    }
}

/// Each token is the name of its caller.
struct Names;

impl Authenticate for Names {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok((token != "unknown").then(|| Caller::named(token)))
    }
}

struct Running {
    server: TestServer,
    gate: Arc<Semaphore>,
}

fn start() -> Running {
    keep_quiet_about_panics_on_purpose();
    let gate = Arc::new(Semaphore::new(0));
    let of_kiosk = Arc::clone(&gate);
    let server = Server::new(move || Kiosk { gate: Arc::clone(&of_kiosk), news: Topic::default() });
    Running { server: testing::start(server.tokens(Names).trusted_proxies(["127.0.0.1"]).workers(2)), gate }
}

impl Running {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends a call, and leaves it on its way.
    fn ask(&self, caller: &[(&str, &str)], body: &str) -> Connection {
        let mut connection = Connection::open(self.address());
        connection.send_request("POST", "/api", caller, body);
        connection
    }

    fn answer(&self, caller: &[(&str, &str)], body: &str) -> Value {
        request(self.address(), "POST", "/api", caller, body).json()
    }

    fn code(&self, caller: &[(&str, &str)], method: &str, params: &str) -> i64 {
        self.answer(caller, &call(method, params, "1"))["error"]["code"].as_i64().unwrap_or(0)
    }

    fn stats(&self, method: &str) -> MethodStats {
        let stats = self.server.service::<Kiosk>().stats();
        stats.into_iter().find(|stats| stats.method == method).expect("there is such a method")
    }

    /// Waits until so many calls of `serve` wait or run.
    fn until_serving(&self, calls: u64) {
        until("so many wait or run", || {
            let stats = self.stats("serve");
            stats.depth as u64 + stats.running == calls
        });
    }
}

fn named(name: &str) -> [(&'static str, &str); 1] {
    [("X-Api-Token", name)]
}

/// A client behind the trusted proxy.
fn from(address: &str) -> [(&'static str, &str); 1] {
    [("X-Forwarded-For", address)]
}

#[test]
fn a_flood_of_one_caller_leaves_room_for_the_others() {
    let running = start();
    let mut flood: Vec<_> = (0..20).map(|_| running.ask(&named("ann"), &call("serve", "[1]", "1"))).collect();
    until("all of it was admitted or rejected", || running.stats("serve").refused == 18);
    assert_eq!(running.stats("serve").refused_for.caller, 18);
    running.until_serving(2);
    let mut others = [named("bob"), from("203.0.113.7")].map(|caller| running.ask(&caller, &call("serve", "[2]", "1")));
    running.until_serving(4);
    let metrics = request(running.address(), "GET", "/metrics", &named("ann"), "").body;
    let line = r#"callbox_rejected_total{service="kiosk",method="serve",reason="caller"} 18"#;
    assert!(metrics.contains(line), "{metrics}");
    running.gate.add_permits(4);
    for other in &mut others {
        assert_eq!(other.read_response().body, result("2", "1"));
    }
    let answers: Vec<_> = flood.iter_mut().map(|call| call.read_response().json()).collect();
    assert_eq!(answers.iter().filter(|answer| answer["result"] == 1).count(), 2);
    let rejected = answers.iter().find(|answer| answer["error"]["code"] == BUSY).expect("most are");
    let mut data = rejected["error"]["data"].clone();
    let retry = data.as_object_mut().unwrap().remove("retry_after_ms").unwrap();
    assert!(retry.as_u64().is_some_and(|millis| (1..=60_000).contains(&millis)), "{retry}");
    assert_eq!(data, json!({ "method": "serve", "reason": "caller", "depth": 2, "capacity": 2 }));
    assert_eq!(running.code(&named("ann"), "end", r#"["ok"]"#), 0);
}

#[test]
fn a_caller_is_its_name_else_its_address_as_a_trusted_proxy_gives_it() {
    let running = start();
    let callers: &[(&[(&str, &str)], i64)] = &[
        (&named("ann"), 0),
        (&[("X-Api-Token", "ann"), ("X-Forwarded-For", "203.0.113.7")], BUSY),
        (&named("bob"), 0),
        (&from("203.0.113.7"), 0),
        (&[("X-Api-Token", "unknown"), ("X-Forwarded-For", "203.0.113.7")], BUSY),
        (&from("203.0.113.8"), 0),
        (&from("2001:db8::1"), 0),
        (&from("2001:db8::2"), BUSY),
        (&[], 0),
        (&[], BUSY),
    ];
    let mut waiting = Vec::new();
    for (caller, expected) in callers {
        if *expected == 0 {
            waiting.push(running.ask(caller, &call("stay", "[]", "1")));
            until("it runs", || running.stats("stay").running == waiting.len() as u64);
        } else {
            assert_eq!(running.code(caller, "stay", "[]"), *expected, "{caller:?}");
        }
    }
    running.gate.add_permits(waiting.len());
    assert!(waiting.iter_mut().all(|call| call.read_response().body == result("0", "1")));
}

#[test]
fn calls_within_the_process_count_if_their_caller_has_a_name() {
    let running = start();
    let kiosk = running.server.service::<Kiosk>();
    let of_ann = kiosk.as_caller(Caller::named("ann"));
    for expected in [0, 0, BUSY] {
        let sent = of_ann.notify(Kiosk_Serve { n: 1 });
        assert_eq!(sent.err().map_or(0, |error| i64::from(error.code())), expected);
    }
    assert_eq!(running.code(&named("ann"), "serve", "[1]"), BUSY, "she is the same from outside");
    (0..4).for_each(|_| kiosk.notify(Kiosk_Serve { n: 1 }).expect("nobody in particular has a limit"));
    running.until_serving(6);
    running.gate.add_permits(6);
    running.server.wait_idle::<Kiosk>();
    assert_eq!(running.stats("serve").answered, 6);
}

#[test]
fn members_of_a_batch_wait_until_their_caller_has_fewer_calls() {
    let running = start();
    let numbers = 0..30;
    let body = batch(numbers.clone().map(|n| call("serve", &format!("[{n}]"), &n.to_string())));
    let mut first = running.ask(&named("ann"), &body);
    running.until_serving(2);
    let mut second = running.ask(&named("ann"), &batch([call("serve", "[1]", "1"), notification("serve", "[2]")]));
    let mut other = running.ask(&named("bob"), &call("serve", "[3]", "1"));
    running.until_serving(3);
    running.gate.add_permits(30 + 2 + 1);
    let expected = batch(numbers.map(|n| result(&n.to_string(), &n.to_string())));
    assert_eq!(first.read_response().body, expected);
    assert_eq!(second.read_response().body, batch([result("1", "1")]));
    assert_eq!(other.read_response().body, result("3", "1"));
    running.server.wait_idle::<Kiosk>();
    assert_eq!((running.stats("serve").answered, running.stats("serve").refused), (33, 0));
}

#[test]
fn members_that_find_no_room_before_their_deadline_have_waited_in_vain() {
    let running = start();
    let _held = [(); 2].map(|()| running.ask(&named("ann"), &call("serve", "[1]", "1")));
    running.until_serving(2);
    let caller = [named("ann")[0], ("Request-Timeout", "0.1")];
    let answer = running.answer(&caller, &batch([call("serve", "[2]", "1")]));
    assert_eq!(answer[0]["error"]["code"], -32002, "{answer}");
    assert_eq!(running.stats("serve").refused, 0);
    running.gate.add_permits(2);
}

#[test]
fn notifications_count_and_one_too_many_is_dropped() {
    let running = start();
    for _ in 0..5 {
        assert_eq!(running.answer(&named("ann"), &notification("serve", "[1]")), Value::Null);
    }
    running.until_serving(2);
    assert_eq!(running.stats("serve").refused_for.caller, 3);
    running.gate.add_permits(2);
    running.server.wait_idle::<Kiosk>();
    assert_eq!(running.answer(&named("ann"), &notification("serve", "[1]")), Value::Null);
    running.until_serving(1);
    running.gate.add_permits(1);
}

#[test]
fn a_place_is_free_again_whatever_the_end_of_its_call() {
    let running = start();
    let table: &[(&str, &str, i64)] = &[
        ("end", r#"["ok"]"#, 0),
        ("end", r#"["error"]"#, 7),
        ("end", r#"["panic"]"#, -32603),
        ("end", "[1]", -32602),
        ("compute", r#"["ok"]"#, 0),
        ("compute", r#"["panic"]"#, -32603),
        ("end", r#"["ok"]"#, 0),
    ];
    for (method, params, expected) in table {
        for round in 0..3 {
            assert_eq!(running.code(&[], method, params), *expected, "{method}{params} {round}");
        }
    }
    for round in 0..3 {
        // An expired call is answered at once, and stops a moment later.
        let mut code = BUSY;
        until("its place is free", || {
            code = running.code(&[], "hurry", "[]");
            code != BUSY
        });
        assert_eq!(code, -32002, "{round}");
    }
    for round in 0..3 {
        assert_eq!(running.code(&[], "ruin", "[]"), -32603, "{round}");
        until("there is a new state", || running.code(&[], "end", r#"["ok"]"#) == 0);
    }
    for method in ["end", "compute", "ruin"] {
        assert_eq!(running.stats(method).refused_for.caller, 0, "{method}");
    }
}

#[test]
fn a_place_is_free_again_when_its_caller_has_left_or_cancels() {
    let running = start();
    let until_free = || {
        until("it runs no more", || running.stats("stay").running == 0);
        running.gate.add_permits(1);
        until("its place is free", || running.code(&[], "stay", "[]") == 0);
    };
    for _ in 0..3 {
        let leaves = running.ask(&[], &call("stay", "[]", "1"));
        until("it runs", || running.stats("stay").running == 1);
        assert_eq!(running.code(&[], "stay", "[]"), BUSY);
        leaves.shut_down();
        until_free();
    }
    let mut socket = WebSocket::open(running.address());
    for _ in 0..3 {
        let id = socket.start("stay", json!([]));
        until("it runs", || running.stats("stay").running == 1);
        assert_eq!(running.code(&[], "stay", "[]"), BUSY);
        socket.notify("$/cancelRequest", json!({ "id": id }));
        assert_eq!(socket.reply()["error"]["code"], -32800);
        until_free();
    }
}

#[test]
fn a_call_that_runs_on_after_its_caller_has_left_keeps_its_place() {
    let running = start();
    let first = running.ask(&named("ann"), &call("serve", "[1]", "1"));
    until("it runs", || running.stats("serve").running == 1);
    first.shut_down();
    until("it is abandoned", || running.stats("serve").abandoned == 1);
    let mut second = running.ask(&named("ann"), &call("serve", "[2]", "1"));
    running.until_serving(2);
    assert_eq!(running.code(&named("ann"), "serve", "[3]"), BUSY);
    running.gate.add_permits(2);
    assert_eq!(second.read_response().body, result("2", "1"));
    running.gate.add_permits(2);
    for n in ["4", "5"] {
        assert_eq!(running.answer(&named("ann"), &call("serve", &format!("[{n}]"), "1"))["error"], Value::Null);
    }
}

#[test]
fn a_subscription_has_a_place_only_while_it_starts() {
    let running = start();
    let mut socket = WebSocket::open(running.address());
    for _ in 0..3 {
        assert!(socket.result("news", json!([])).is_string());
    }
    assert_eq!((running.stats("news").subscriptions, running.stats("news").refused), (3, 0));
}

#[test]
fn the_openrpc_document_has_the_limits_of_methods_that_have_one() {
    let running = start();
    let discover = json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 });
    let document = running.server.rpc(&discover)["result"].clone();
    let methods = document["methods"].as_array().expect("methods");
    let limit = |name: &str| {
        let method = methods.iter().find(|method| method["name"] == name).expect("it is there");
        method.get("x-per-caller").cloned()
    };
    assert_eq!((limit("serve"), limit("stay"), limit("get_service_specs")), (Some(json!(2)), Some(json!(1)), None));
    let denied = &document["components"]["errors"]["AccessDenied"]["data"]["properties"];
    assert_eq!(denied["retry_after_ms"]["type"], "integer", "{denied}");
}

struct Narrow;

#[service(name = "narrow")]
impl Narrow {
    #[public_method(mailbox = 4, per_caller = 8)]
    fn pass(&self) {}
}

#[test]
fn a_limit_above_the_capacity_of_the_mailbox_is_an_error_of_the_start() {
    let text = actix::System::new().block_on(Server::new(|| Narrow).launch()).unwrap_err().to_string();
    for part in
        ["`pass`", "8 calls of one caller", "room for 4", "lower per_caller to at most 4", "mailbox to at least 8"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
