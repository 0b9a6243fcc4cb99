//! Spans as a collector gets them that knows nothing of callbox, and nothing of Rust's crates for
//! OpenTelemetry: it reads the protocol as OpenTelemetry publishes it for Python.

use callbox_test_support::http::{Response, request};
use callbox_test_support::program::{Program, RunningProgram};
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::{ADVICE, interpreter, script};

/// The number of a trace, and of the span of a browser in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The collector, until the test ends.
struct Receiver(RunningProgram);

impl Receiver {
    fn start() -> Self {
        assert!(interpreter().exists(), "{} is missing: {ADVICE}", interpreter().display());
        let script = script("otlp_receiver.py");
        let program = Program::at(&interpreter(), &[script.to_str().expect("a path of text")]);
        Self(program.env("PYTHONDONTWRITEBYTECODE", "1").start())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }

    /// Waits for the spans of these methods, one of each, which may arrive in any order.
    fn spans<const N: usize>(&mut self, names: [&str; N]) -> [Value; N] {
        let read =
            |line: String| -> Value { serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")) };
        let spans: Vec<_> = (0..N).map(|_| read(self.0.wait_for_line("\"trace_id\""))).collect();
        let of = |name: &str| spans.iter().find(|span| span["name"] == name);
        names.map(|name| of(name).unwrap_or_else(|| panic!("no span {name} in {spans:#?}")).clone())
    }
}

/// Sends an order as a page in a browser does, as a part of the trace.
fn place(shop: &Shop, method: &str, article: &str) -> Response {
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let headers = [
        ("Origin", "http://localhost"),
        ("User-Agent", "Mozilla/5.0"),
        ("traceparent", &traceparent),
        ("tracestate", "vendor=1"),
    ];
    let body = json!({ "jsonrpc": "2.0", "method": method, "params": [article], "id": 7 }).to_string();
    request(shop.orders.address(), "POST", "/api", &headers, body)
}

/// Takes what is different at each run out of a span: its own number, and the version of the SDK.
fn take_id(span: &mut Value) -> String {
    let id = span["span_id"].take();
    let id = id.as_str().expect("hexadecimal digits").to_owned();
    assert!(id.len() == 16 && id != "0".repeat(16), "{id}");
    assert!(span["resource"]["telemetry.sdk.version"].take().is_string(), "{span}");
    id
}

/// Returns what a collector has to get of a call of a service, all of it.
fn expected(service: &str, method: &str, parent: &str, attributes: &Value) -> Value {
    let mut all = json!({
        "rpc.system.name": "jsonrpc",
        "rpc.method": method,
        "jsonrpc.protocol.version": "2.0",
        "callbox.service": service,
    });
    all.as_object_mut().zip(attributes.as_object()).map(|(all, more)| all.extend(more.clone())).expect("objects");
    let failed = attributes.get("error.type").is_some();
    json!({
        "resource": {
            "service.name": service,
            "deployment.environment.name": "test",
            "telemetry.sdk.language": "rust",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": null,
        },
        "scope": "callbox",
        "schema_url": "https://opentelemetry.io/schemas/1.45.0",
        "trace_id": TRACE,
        "span_id": null,
        "parent_span_id": parent,
        "trace_state": "vendor=1",
        "name": method,
        "kind": "SPAN_KIND_SERVER",
        "status": if failed { "STATUS_CODE_ERROR" } else { "STATUS_CODE_UNSET" },
        "attributes": all,
        "events": ["queued", "started", "ended"],
        "links": 0,
        "dropped": 0,
        "times_are_in_order": true,
    })
}

pub(crate) fn one_trace() {
    let mut receiver = Receiver::start();
    let shop = Shop::start(&receiver.url());
    let answer = place(&shop, "orders.place", "tea");
    assert_eq!(answer.json()["result"], 41, "{answer:?}");
    let [mut place, mut reserve] = receiver.spans(["orders.place", "stock.reserve"]);
    let (id, other) = (take_id(&mut place), take_id(&mut reserve));
    assert_ne!(id, other);
    assert_eq!(place, expected("shop.orders", "orders.place", SPAN, &json!({ "jsonrpc.request.id": "7" })));
    // The client of the orders counts its calls.
    let request = reserve["attributes"]["jsonrpc.request.id"].clone();
    assert!(request.is_string(), "{reserve}");
    assert_eq!(reserve, expected("shop.stock", "stock.reserve", &id, &json!({ "jsonrpc.request.id": request })));
}

pub(crate) fn failures() {
    let mut receiver = Receiver::start();
    let shop = Shop::start(&receiver.url());
    let answer = place(&shop, "orders.place", "gold");
    assert_eq!(answer.json()["error"]["code"], 404, "{answer:?}");
    let [mut place_span, mut reserve] = receiver.spans(["orders.place", "stock.reserve"]);
    let id = take_id(&mut place_span);
    take_id(&mut reserve);
    for (span, service, parent) in [(&place_span, "shop.orders", SPAN), (&reserve, "shop.stock", &*id)] {
        let method = span["name"].as_str().expect("a name");
        let attributes = json!({
            "jsonrpc.request.id": span["attributes"]["jsonrpc.request.id"],
            "rpc.response.status_code": "404",
            "error.type": "404",
        });
        assert_eq!(*span, expected(service, method, parent, &attributes));
    }
    // A method that does not exist.
    place(&shop, "orders.cancel", "tea");
    let [unknown] = receiver.spans(["jsonrpc"]);
    let attributes = &unknown["attributes"];
    assert_eq!(
        (&attributes["rpc.method"], &attributes["rpc.method_original"]),
        (&json!("_OTHER"), &json!("orders.cancel"))
    );
    assert_eq!((&unknown["status"], &unknown["events"]), (&json!("STATUS_CODE_ERROR"), &json!(["ended"])), "{unknown}");
}
