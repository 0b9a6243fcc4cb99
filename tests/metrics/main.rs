//! The metrics as a scraper sees them.

mod of_programs;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use callbox::testing::{self, TestServer};
use callbox::{RpcError, Server, Subscription, Topic, service};
use callbox_test_support::free_port::free_address;
use callbox_test_support::http::{Response, request};
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::json;

#[derive(Default)]
struct Shop {
    prices: Topic<f64>,
}

#[service(name = "test.shop")]
impl Shop {
    #[public_method]
    fn buy(&self, item: String) -> Result<String, RpcError> {
        match item.as_str() {
            "nothing" => Err(RpcError::new(409, "closed")),
            "bomb" => panic!("on purpose"),
            _ => Ok(item),
        }
    }

    #[public_method]
    fn never_called(&self) {}

    #[public_method]
    fn publish(&self, price: f64) {
        self.prices.publish(price);
    }

    #[public_method(subscription)]
    fn prices(&self) -> Subscription<f64> {
        self.prices.subscribe()
    }
}

struct Office;

#[service(name = "test.office")]
impl Office {
    #[private_api_method]
    fn audit(&self) {}
}

/// A server that knows one token.
fn guarded() -> Server {
    Server::new(Shop::default).service(|| Office).tokens(|token: &str| token == "good")
}

fn scrape(address: SocketAddr, headers: &[(&str, &str)]) -> Response {
    request(address, "GET", "/metrics", &[headers, &[("Connection", "close")]].concat(), "")
}

/// All samples, by what stands before their values.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let sample = |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

fn of(server: &TestServer) -> BTreeMap<String, f64> {
    let response = scrape(server.address(), &[]);
    assert_eq!(response.status, 200, "{response:?}");
    samples(&response.body)
}

fn buy(server: &TestServer, item: &str) {
    server.rpc(&json!({ "jsonrpc": "2.0", "method": "buy", "params": [item], "id": 1 }));
}

#[test]
fn the_metrics_tell_how_calls_ended_and_how_long_they_took() {
    keep_quiet_about_panics_on_purpose();
    let server = testing::start(Server::new(Shop::default));
    for item in ["pen", "ink", "nothing", "bomb"] {
        buy(&server, item);
    }
    server.rpc(&json!({ "jsonrpc": "2.0", "method": "buy", "id": 1 }));
    let seen = of(&server);
    let method = r#"service="test.shop",method="buy""#;
    for (name, value) in [
        (format!(r#"callbox_calls_total{{{method},outcome="ok"}}"#), 2.0),
        (format!(r#"callbox_calls_total{{{method},outcome="error"}}"#), 1.0),
        (format!(r#"callbox_calls_total{{{method},outcome="panic"}}"#), 1.0),
        (format!(r#"callbox_calls_total{{{method},outcome="expired"}}"#), 0.0),
        (format!(r#"callbox_rejected_total{{{method},reason="params"}}"#), 1.0),
        (format!(r#"callbox_call_run_seconds_count{{{method}}}"#), 4.0),
        (format!(r#"callbox_call_run_seconds_bucket{{{method},le="+Inf"}}"#), 4.0),
        (format!("callbox_mailbox_depth{{{method}}}"), 0.0),
        (format!("callbox_mailbox_capacity{{{method}}}"), 1024.0),
        (format!("callbox_in_flight{{{method}}}"), 0.0),
        (r#"callbox_service_up{service="test.shop"}"#.to_owned(), 1.0),
        (r#"callbox_restarts_total{service="test.shop"}"#.to_owned(), 0.0),
    ] {
        assert_eq!(seen.get(&name), Some(&value), "{name} in {seen:#?}");
    }
    let sum = seen[&format!("callbox_call_run_seconds_sum{{{method}}}")];
    assert!(sum > 0.0 && sum < 60.0, "{sum}");
    let has = |part: &str| seen.keys().any(|name| name.contains(part));
    assert!(!has(r#"run_seconds_count{service="test.shop",method="never_called"}"#), "it was never called");
    assert!(has(r#"callbox_calls_total{service="test.shop",method="never_called""#));
    assert_eq!(seen.keys().filter(|name| name.contains("run_seconds_bucket") && name.contains("\"buy\"")).count(), 17);
    let version = format!(r#"callbox_build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.get(&version), Some(&1.0));
}

#[test]
fn in_each_format_a_histogram_ends_with_a_bucket_for_all_calls() {
    let server = testing::start(Server::new(Shop::default));
    buy(&server, "pen");
    for accept in ["text/plain", "application/openmetrics-text"] {
        let body = scrape(server.address(), &[("Accept", accept)]).body;
        let of_buy = |line: &&str| line.starts_with("callbox_call_run_seconds_bucket{") && line.contains("\"buy\"");
        let buckets: Vec<_> = body.lines().filter(of_buy).collect();
        assert_eq!(buckets.len(), 17, "{accept}: {buckets:#?}");
        let last = buckets[16];
        assert!(last.contains(r#"le="+Inf""#) && last.ends_with(" 1"), "{accept}: {last}");
    }
}

#[test]
fn the_process_is_described_by_the_usual_names() {
    let seen = of(&testing::start(Server::new(Shop::default)));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
    ] {
        assert!(seen[name] > 0.0, "{name}: {seen:#?}");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - seen["process_start_time_seconds"];
    assert!((-2.0..3600.0).contains(&age), "{age}");
}

#[test]
fn what_a_caller_sends_makes_no_series() {
    let server = testing::start(Server::new(Shop::default));
    let names = |seen: BTreeMap<String, f64>| seen.into_keys().collect::<Vec<_>>();
    let before = names(of(&server));
    for number in 0..1000 {
        let batch: Vec<_> =
            (0..10).map(|at| json!({ "jsonrpc": "2.0", "method": format!("x{number}\"\n{at}"), "id": at })).collect();
        let batch = json!(batch).to_string();
        assert_eq!(request(server.address(), "POST", "/api", &[("Connection", "close")], batch).status, 200);
    }
    let after = of(&server);
    assert_eq!(after[r#"callbox_requests_refused_total{transport="http",reason="unknown_method"}"#], 10_000.0);
    assert_eq!(names(after), before);
}

#[test]
fn requests_that_reach_no_method_are_counted_by_their_reason() {
    let server = testing::start(guarded().body_limit(1000));
    let address = server.address();
    let post = |headers: &[(&str, &str)], body: &str| request(address, "POST", "/api", headers, body);
    let audit = r#"{"jsonrpc":"2.0","method":"audit","id":1}"#;
    post(&[], "{");
    post(&[], "{}");
    post(&[], "[1,2]");
    post(&[], audit);
    post(&[("X-Api-Token", "bad")], audit);
    post(&[("X-Api-Token", "good")], audit);
    post(&[], &"x".repeat(1001));
    post(&[("Host", "evil.example")], audit);
    post(&[("Content-Type", "text/plain")], audit);
    let mut socket = WebSocket::open(address);
    socket.error_code("audit", json!([]));
    socket.send("[");
    socket.reply();
    socket.send("x".repeat(1001));
    socket.rest();
    let seen = samples(&scrape(address, &[("X-Api-Token", "good")]).body);
    let refused = |transport: &str, reason: &str| {
        seen[&format!(r#"callbox_requests_refused_total{{transport="{transport}",reason="{reason}"}}"#)]
    };
    let reasons = ["parse", "invalid", "unknown_method", "access", "too_large"];
    // An empty object, two members of a batch, and a content type.
    assert_eq!(reasons.map(|reason| refused("http", reason)), [1.0, 4.0, 0.0, 3.0, 1.0], "{seen:#?}");
    assert_eq!(reasons.map(|reason| refused("websocket", reason)), [1.0, 0.0, 0.0, 1.0, 1.0], "{seen:#?}");
    let tokens = |outcome: &str| seen[&format!(r#"callbox_auth_total{{outcome="{outcome}"}}"#)];
    assert_eq!((tokens("accepted"), tokens("rejected"), tokens("limited")), (2.0, 1.0, 0.0));
}

#[test]
fn the_metrics_need_a_token_where_private_methods_do() {
    let server = testing::start(guarded());
    for headers in [&[][..], &[("X-Api-Token", "bad")]] {
        let denied = scrape(server.address(), headers);
        assert_eq!((denied.status, denied.header("www-authenticate")), (401, Some("Bearer")), "{denied:?}");
        assert!(!denied.body.contains("callbox_"), "{denied:?}");
    }
    for headers in [("X-Api-Token", "good"), ("Authorization", "Bearer good")] {
        assert_eq!(scrape(server.address(), &[headers]).status, 200);
    }
    assert_eq!(scrape(server.address(), &[("X-Api-Token", "good"), ("Host", "evil.example")]).status, 421);
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let server = testing::start(Server::new(Shop::default));
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, expected) in [
        ("", prometheus),
        ("*/*", prometheus),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", prometheus),
        ("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5", open),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4", prometheus),
        ("application/openmetrics-text;q=0", prometheus),
    ] {
        let response = scrape(server.address(), &[("Accept", accept)]);
        assert_eq!(response.header("content-type"), Some(expected), "{accept}");
        assert_eq!(response.body.ends_with("# EOF\n"), expected == open, "{accept}: {}", response.body);
        assert!(response.body.contains("callbox_service_up{service=\"test.shop\"} 1\n"), "{accept}");
    }
    for method in ["POST", "DELETE"] {
        let refused = request(server.address(), method, "/metrics", &[], "");
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn subscriptions_and_connections_are_told() {
    let server = testing::start(Server::new(Shop::default));
    let mut socket = WebSocket::open(server.address());
    let id = socket.subscribe("prices", json!([]));
    for price in 0..3 {
        socket.result("publish", json!([price]));
    }
    (0..3).for_each(|_| _ = socket.notice_of(&id));
    let seen = of(&server);
    let prices = r#"{service="test.shop",method="prices"}"#;
    assert_eq!(seen[&format!("callbox_subscriptions{prices}")], 1.0);
    assert_eq!(seen[&format!("callbox_items_total{prices}")], 3.0);
    assert_eq!(seen[&format!("callbox_topic_lagged_total{prices}")], 0.0);
    assert_eq!(seen[r#"callbox_connections{transport="websocket"}"#], 1.0);
    assert!(!seen.contains_key(r#"callbox_subscriptions{service="test.shop",method="buy"}"#), "it is none");
    socket.close();
    until("it is gone", || of(&server)[r#"callbox_connections{transport="websocket"}"#] == 0.0);
    assert_eq!(of(&server)[&format!("callbox_subscriptions{prices}")], 0.0);
}

#[test]
fn metrics_that_are_off_or_elsewhere_are_not_at_their_usual_path() {
    let off = testing::start(Server::new(Shop::default).metrics_at("off"));
    assert_eq!(scrape(off.address(), &[]).status, 404);
    let moved = testing::start(Server::new(Shop::default).metrics_at("/ops/metrics"));
    assert_eq!(scrape(moved.address(), &[]).status, 404);
    assert_eq!(request(moved.address(), "GET", "/ops/metrics", &[], "").status, 200);
    let own = |config: &mut actix_web::web::ServiceConfig| {
        config.route("/metrics", actix_web::web::get().to(async || "their own"));
    };
    let server = testing::start(Server::new(Shop::default).configure(own));
    assert_eq!(scrape(server.address(), &[]).body, "their own", "that of the program counts");
}

#[test]
fn a_listener_of_their_own_has_the_metrics_and_the_health_checks_and_nothing_else() {
    let free = free_address();
    let server = testing::start(guarded().metrics_at(&free.to_string()));
    assert_eq!(scrape(server.address(), &[]).status, 404);
    let metrics = scrape(free, &[("Host", "any.name.at.all")]);
    assert!(metrics.status == 200 && metrics.body.contains("callbox_service_up"), "no token: {metrics:?}");
    assert_eq!(request(free, "GET", "/health/ready", &[], "").status, 200);
    let call = r#"{"jsonrpc":"2.0","method":"buy","params":["pen"],"id":1}"#;
    assert_eq!(request(free, "POST", "/api", &[], call).status, 404);
    assert_eq!(request(free, "POST", "/metrics", &[], "").status, 405);
    drop(server);
    assert!(std::net::TcpStream::connect(free).is_err(), "it ends with the server");
}

#[test]
fn a_place_for_the_metrics_that_cannot_be_is_an_error_at_the_start() {
    let start = |server: Server| actix::System::new().block_on(server.launch()).unwrap_err().to_string();
    let error = start(Server::new(Shop::default).metrics_at("metrics"));
    assert!(error.contains("cannot be at `metrics`") && error.contains("0.0.0.0:9100"), "{error}");
    let error = start(Server::new(Shop::default).metrics_at("/api"));
    assert!(error.contains("an endpoint") && error.contains("--metrics"), "{error}");
}
