//! What the log says of calls over NATS.

use async_nats::HeaderMap;
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::Program;
use rustix::process::Signal;
use serde_json::Value;

use super::{connect, run};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Each call has a line in the access log, which has its id, its trace and its outcome.
pub(crate) fn access() {
    let nats = NatsServer::start(&[]);
    let arguments = ["--nats", &nats.url(), "--port", "off", "--access-log", "--log-format", "json"];
    let mut program = Program::with_role("market", &arguments).spawn();
    program.wait_for_line("taking calls over NATS");
    run(async {
        let client = connect(&nats).await;
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        headers.insert("X-Request-Id", "7f3a");
        let subject = |method| format!("callbox.shop=2Emarket.{method}");
        client.request_with_headers(subject("add"), headers, "[1,2]".into()).await.unwrap();
        client.request(subject("refuse"), "".into()).await.unwrap();
        client.request(subject("secret"), "".into()).await.unwrap();
        client.publish(subject("sell"), "[1]".into()).await.unwrap();
        client.request(subject("sell"), "[1]".into()).await.unwrap();
    });
    program.signal(Signal::TERM);
    let ended = program.wait();
    assert!(ended.status.success(), "{ended:?}");
    let lines: Vec<Value> = ended.log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let lines: Vec<_> = lines.iter().filter(|line| line["target"] == "callbox::access").collect();
    assert!(lines.iter().all(|line| line["transport"] == "nats"), "{lines:#?}");
    let methods: Vec<_> = lines.iter().filter_map(|line| line["method"].as_str()).collect();
    assert_eq!(methods, ["market.add", "market.refuse", "market.secret", "market.sell", "market.sell"], "{lines:#?}");
    assert_eq!((&lines[0]["request_id"], &lines[0]["trace_id"]), (&"7f3a".into(), &TRACE.into()), "{:#}", lines[0]);
    assert_eq!((&lines[1]["code"], &lines[2]["code"]), (&7.into(), &(-32001).into()), "{lines:#?}");
    let ids: std::collections::BTreeSet<_> = lines.iter().map(|line| line["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5, "each has an id of its own");
}
