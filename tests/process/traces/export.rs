//! Spans that a collector gets.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use callbox_test_support::http::request;
use callbox_test_support::program::RunningProgram;
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::wait::until;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::traces::collector::{Collector, Manner, Received};
use crate::traces::lost::lost;
use crate::traces::{SPAN, TRACE, post, result, roles, traceparent};

fn front(collector: &Collector, variables: &[(&str, &str)]) -> RunningProgram {
    roles::start("front", Some(&collector.url), None, variables)
}

pub(crate) fn one_trace() {
    let collector = Collector::start(Manner::Takes);
    let far = roles::start("far", Some(&collector.url), None, &[]);
    let front = roles::start("front", Some(&collector.url), Some(&far), &[]);
    let headers = [("traceparent", &*traceparent(true)), ("tracestate", "vendor=1")];
    for (way, program, callee) in [
        ("front.ask_near", "test.front", "near.context"),
        ("front.tell_near", "test.front", "near.context"),
        ("front.ask_far", "test.far", "far.context"),
        ("front.ask_by_socket", "test.far", "far.context"),
    ] {
        let answer = post(&front, &headers, way, &json!([])).json();
        assert!(answer["error"].is_null(), "{answer}");
        let caller = collector.wait_for_span("test.front", way);
        assert_eq!((caller.trace_id.as_str(), caller.parent.as_str()), (TRACE, SPAN), "{way}: {caller:?}");
        assert_eq!(caller.state, "vendor=1");
        let is_callee = |span: &&Received| span.name == callee && span.program == program && span.parent == caller.id;
        until(&format!("the callee of {way}"), || collector.spans().iter().any(|span| is_callee(&span)));
        let spans = collector.spans();
        let callee = spans.iter().find(is_callee).expect("it was there");
        assert_eq!((callee.trace_id.as_str(), callee.state.as_str()), (TRACE, "vendor=1"), "{way}: {callee:?}");
        assert!(callee.is_server, "{callee:?}");
        if let Some(seen) = answer["result"].as_str() {
            assert_eq!(seen, format!("00-{TRACE}-{}-01", callee.id), "what it would send is its span");
        }
    }
}

pub(crate) fn fields() {
    let collector = Collector::start(Manner::Takes);
    let variables = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20key"),
    ];
    let front = front(&collector, &variables);
    result(&front, None, "front.queued");
    let span = collector.wait_for_span("shop", "front.queued");
    let expected = [
        ("callbox.service", "test.front"),
        ("jsonrpc.protocol.version", "2.0"),
        ("jsonrpc.request.id", "7"),
        ("rpc.method", "front.queued"),
        ("rpc.system.name", "jsonrpc"),
    ];
    let attributes: Vec<_> = span.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, expected);
    assert!(span.is_server && !span.is_error && span.parent.is_empty(), "{span:?}");
    assert!(span.was_queued, "it never runs where it arrives");
    assert_eq!(span.events, ["started", "ended"]);
    assert_eq!(span.scope, "callbox");
    assert_eq!(span.schema, "https://opentelemetry.io/schemas/1.45.0");
    assert!(collector.headers().contains(&"x-key: a key".to_owned()), "{:?}", collector.headers());
    assert!(collector.headers().contains(&"post /v1/traces http/1.1".to_owned()), "{:?}", collector.headers());
    for id in ["null", "\"text\"", &format!("\"{}\"", "x".repeat(200))] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"front.line","id":{id}}}"#);
        request(front.address(), "POST", "/api", &[], &body);
    }
    let ids = collector.wait_for(4).into_iter().filter(|span| span.name == "front.line");
    let ids: Vec<_> = ids.map(|span| span.attributes.get("jsonrpc.request.id").cloned()).collect();
    assert_eq!(ids, [None, Some("text".to_owned()), None], "neither null nor a long one");
}

pub(crate) fn failures() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[]);
    let name = |method: &str| if method == "nobody" { "jsonrpc".to_owned() } else { method.to_owned() };
    for (method, params, code, events) in [
        ("front.refuse", json!([]), "7", &["started", "ended"][..]),
        ("front.panics", json!([]), "-32603", &["started", "ended"]),
        ("front.refuse", json!([1, 2]), "-32602", &["ended"]),
        ("front.whisper", json!([]), "-32001", &["ended"]),
        ("nobody", json!([]), "-32601", &["ended"]),
    ] {
        let before = collector.spans().len();
        post(&front, &[("traceparent", &traceparent(true))], method, &params);
        let span = collector.wait_for(before + 1).pop().expect("a span");
        assert_eq!(span.name, name(method), "{span:?}");
        assert_eq!((span.trace_id.as_str(), span.parent.as_str()), (TRACE, SPAN), "{span:?}");
        let attribute = |name: &str| span.attributes.get(name).map(String::as_str);
        assert_eq!(attribute("rpc.response.status_code"), Some(code), "{span:?}");
        assert_eq!(attribute("error.type"), Some(code), "{span:?}");
        assert!(span.is_error, "{span:?}");
        assert_eq!(span.events, events, "{method}");
        let (known, original) = if method == "nobody" { ("_OTHER", Some("nobody")) } else { (method, None) };
        assert_eq!((attribute("rpc.method"), attribute("rpc.method_original")), (Some(known), original), "{span:?}");
    }
}

/// The attributes of all calls, however they end, are those in the table of the guide.
pub(crate) fn documented() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[]);
    for method in ["front.queued", "front.refuse", "front.panics", "front.whisper", "nobody", "rpc.discover"] {
        post(&front, &[], method, &json!([]));
    }
    let names = |span: &Received| span.attributes.keys().cloned().collect::<Vec<_>>();
    let exported: BTreeSet<_> = collector.wait_for(6).iter().flat_map(names).collect();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../src/docs/tracing.md")).expect("the page");
    let (_, section) = page.split_once("# What a span has").expect("the section");
    let cells = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let names = cells.flat_map(|row| row.split(" | ").next().unwrap_or_default().split('`').skip(1).step_by(2));
    assert_eq!(exported, names.map(str::to_owned).collect::<BTreeSet<_>>());
}

pub(crate) fn unsampled() {
    let collector = Collector::start(Manner::Takes);
    let far = roles::start("far", Some(&collector.url), None, &[]);
    let front = roles::start("front", Some(&collector.url), Some(&far), &[("OTEL_TRACES_SAMPLER", "always_off")]);
    let off = roles::start(
        "front",
        Some(&collector.url),
        Some(&far),
        &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")],
    );
    for way in ["front.ask_near", "front.ask_far", "front.ask_by_socket"] {
        let sent = traceparent(false);
        assert_eq!(result(&off, Some(&sent), way), json!(sent), "{way}: it goes on as it came");
        // Whoever is called learns that the trace is not recorded.
        for program in [&front, &off] {
            let seen = result(program, None, way);
            let seen = seen.as_str().expect("a context");
            assert!(seen.starts_with("00-") && seen.ends_with("-00"), "{way}: {seen}");
        }
    }
    // A recorded one is the last.
    result(&off, Some(&traceparent(true)), "front.line");
    let spans = collector.wait_for(1);
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["front.line"]);
}

pub(crate) fn ratios() {
    let collector = Collector::start(Manner::Takes);
    let variables = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")];
    let front = front(&collector, &variables);
    for _ in 0..200 {
        result(&front, None, "front.line");
    }
    result(&front, Some(&traceparent(true)), "front.context");
    collector.wait_for_span("test.front", "front.context");
    let count = collector.spans().len() - 1;
    assert!((60..=140).contains(&count), "{count} of 200");
}

pub(crate) fn spans_of_methods() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[]);
    result(&front, None, "front.with_span");
    let (call, inner) =
        (collector.wait_for_span("test.front", "front.with_span"), collector.wait_for_span("test.front", "inner"));
    assert_eq!((inner.parent.as_str(), &inner.trace_id), (call.id.as_str(), &call.trace_id));
    let attributes: Vec<_> = inner.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("number", "7")], "what the method has written, and nothing else");
    // The lines of a method are no events of its span.
    result(&front, None, "front.line");
    let line = collector.wait_for_span("test.front", "front.line");
    assert_eq!(line.events, ["started", "ended"]);
    result(&front, Some(&traceparent(false)), "front.with_span");
    result(&front, None, "front.context");
    collector.wait_for_span("test.front", "front.context");
    let inner = collector.spans().iter().filter(|span| span.name == "inner").count();
    assert_eq!(inner, 1, "none without the span of the call");
}

pub(crate) fn batches() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[]);
    let member = |id: usize| json!({ "jsonrpc": "2.0", "method": "front.line", "id": id });
    let batch = Value::from_iter((1..=5).map(member)).to_string();
    let response = request(front.address(), "POST", "/api", &[("traceparent", &traceparent(true))], &batch);
    assert_eq!(response.json().as_array().map(Vec::len), Some(5), "{response:?}");
    let spans = collector.wait_for(5);
    let mut ids: Vec<_> = spans.iter().filter_map(|span| span.attributes.get("jsonrpc.request.id")).collect();
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert!(spans.iter().all(|span| span.trace_id == TRACE && span.parent == SPAN), "{spans:?}");
}

pub(crate) fn flush() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[("OTEL_BSP_SCHEDULE_DELAY", "3600000")]);
    for _ in 0..3 {
        result(&front, None, "front.line");
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(collector.spans().is_empty(), "they wait");
    front.signal(Signal::TERM);
    let end = front.wait();
    assert!(end.status.success(), "{end:?}");
    assert_eq!(collector.spans().len(), 3);
}

pub(crate) fn over_https() {
    let (collector, certificate) = Collector::start_secured(Manner::Takes);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ca.pem");
    fs::write(&file, certificate).expect("a file");
    let trusting = front(&collector, &[("SSL_CERT_FILE", file.to_str().expect("a path"))]);
    result(&trusting, None, "front.line");
    collector.wait_for_span("test.front", "front.line");
    let requests = collector.requests();
    let strange = front(&collector, &[]);
    result(&strange, None, "front.line");
    until("the span is lost", || lost(&strange) == 1);
    assert_eq!(collector.requests(), requests, "nothing goes to a server that nobody vouches for");
}

pub(crate) fn canary() {
    let collector = Collector::start(Manner::Takes);
    let front = front(&collector, &[]);
    let bearer = format!("Bearer {GOOD_TOKEN}");
    for headers in [("X-Api-Token", GOOD_TOKEN), ("Authorization", &bearer)] {
        for method in ["front.whisper", "front.refuse", "front.ask_near", "nobody"] {
            post(&front, &[headers], method, &json!([GOOD_TOKEN]));
        }
    }
    // A wrong one as well.
    post(&front, &[("X-Api-Token", "canary-of-a-wrong-token")], "front.whisper", &json!([]));
    result(&front, None, "front.context");
    collector.wait_for_span("test.front", "front.context");
    assert!(collector.has_text("front.whisper"), "it would be found");
    assert!(!collector.has_text("canary"));
}

pub(crate) fn own_subscriber() {
    let collector = Collector::start(Manner::Takes);
    let own = roles::start("own subscriber", Some(&collector.url), None, &[]);
    assert!(result(&own, Some(&traceparent(true)), "front.ask_near").is_string());
    let call = collector.wait_for_span("own", "front.ask_near");
    assert_eq!((call.trace_id.as_str(), call.parent.as_str()), (TRACE, SPAN));
    assert_eq!(collector.wait_for_span("own", "near.context").parent, call.id);
    let other = roles::start("subscriber without the layer", Some(&collector.url), None, &[]);
    other.signal(Signal::TERM);
    let log = other.wait().log;
    assert!(log.contains("callbox exports no traces") && log.contains("callbox::otel::layer"), "{log}");
}
