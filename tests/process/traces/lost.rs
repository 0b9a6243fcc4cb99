//! Collectors that do not take what they are sent.

use std::time::{Duration, Instant};

use callbox_test_support::free_port::free_address;
use callbox_test_support::http::request;
use callbox_test_support::program::RunningProgram;
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::wait::until;
use rustix::process::Signal;

use crate::traces::collector::{Collector, Manner};
use crate::traces::{result, roles};

/// The number of spans that were lost.
pub(crate) fn lost(program: &RunningProgram) -> u64 {
    let metrics = request(program.address(), "GET", "/metrics", &[("X-Api-Token", GOOD_TOKEN)], "").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("callbox_spans_lost_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{metrics}"))
}

/// Stops a server, and returns how long that took and what it has logged.
fn stop(program: RunningProgram) -> (Duration, String) {
    let start = Instant::now();
    program.signal(Signal::TERM);
    let end = program.wait();
    assert!(end.status.success(), "{end:?}");
    (start.elapsed(), end.log)
}

pub(crate) fn dead() {
    let nobody = free_address();
    let front =
        roles::start("front", Some(&format!("http://{nobody}")), None, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "200")]);
    assert_eq!(lost(&front), 0);
    for _ in 0..20 {
        result(&front, None, "front.line");
    }
    until("the spans are lost", || lost(&front) == 20);
    let (took, log) = stop(front);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(log.contains("spans are lost"), "{log}");
}

pub(crate) fn slow() {
    let collector = Collector::start(Manner::IsSilent);
    let args = ["--port", "0", "--shutdown-timeout", "1s"];
    let variables = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
    ];
    let front = roles::start_with("front", &args, Some(&collector.url), None, &variables);
    result(&front, None, "front.line");
    until("the first export has begun", || collector.requests() == 1);
    for _ in 0..100 {
        result(&front, None, "front.line");
    }
    // Ten wait, and all others are lost at once.
    assert_eq!(lost(&front), 90);
    let (took, log) = stop(front);
    assert!((900..3000).contains(&took.as_millis()), "the flush ends with the drain: {took:?}");
    assert!(log.contains("did not take the last spans"), "{log}");
    assert_eq!(collector.requests(), 1, "nothing was sent beside the export that hangs");
}

pub(crate) fn refusing() {
    for status in [429, 503, 400] {
        let collector = Collector::start(Manner::Refuses(status));
        let front = roles::start("front", Some(&collector.url), None, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
        for _ in 0..3 {
            result(&front, None, "front.line");
        }
        until(&format!("the spans are lost to {status}"), || lost(&front) == 3);
        collector.set(Manner::Takes);
        result(&front, None, "front.context");
        collector.wait_for_span("test.front", "front.context");
        assert_eq!(collector.spans().len(), 1, "{status}");
        assert_eq!(lost(&front), 3, "{status}");
    }
}
