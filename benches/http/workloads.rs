//! The workloads.

use callbox_benches::workload::{Expected, TRIVIAL, Workload, call};

/// Number of calls in a batch.
const BATCH: usize = 100;

/// Number of floating-point numbers in one call.
const FLOATS: u32 = 1000;

/// Length of the text in one response, in bytes.
const TEXT: usize = 1024 * 1024;

pub(crate) const ALL: [Workload; 6] = [
    TRIVIAL,
    Workload {
        name: "counter",
        title: "A stateful counter (&mut self), 64 connections",
        connections: 64,
        calls: 1,
        body: || call("count", "{}", 1),
        expected: |_| Expected::Increasing,
    },
    Workload {
        name: "batch",
        title: "A batch of 100 adds, 16 connections",
        connections: 16,
        calls: BATCH,
        body: || {
            let members = (0..BATCH).map(|id| call("add", &format!(r#"{{"a":{id},"b":1000}}"#), id));
            format!("[{}]", members.collect::<Vec<_>>().join(","))
        },
        expected: |id| Expected::Integer(id as i64 + 1000),
    },
    Workload {
        name: "floats",
        title: "1,000 floats in, 16 connections",
        connections: 16,
        calls: 1,
        body: || {
            let values = (0..FLOATS).map(|n| format!("{:?}", f64::from(n) + 0.123_456_789));
            call("total", &format!(r#"{{"values":[{}]}}"#, values.collect::<Vec<_>>().join(",")), 1)
        },
        expected: |_| Expected::Float((0..FLOATS).map(|n| f64::from(n) + 0.123_456_789).sum()),
    },
    Workload {
        name: "text",
        title: "1 MiB of text out, 4 connections",
        connections: 4,
        calls: 1,
        body: || call("text", &format!(r#"{{"length":{TEXT}}}"#), 1),
        expected: |_| Expected::TextOfLength(TEXT),
    },
    ALONE,
];

/// A trivial method, one connection.
pub(crate) const ALONE: Workload = Workload {
    name: "alone",
    title: "A trivial method, one connection",
    connections: 1,
    calls: 1,
    body: || call("ping", "{}", 1),
    expected: |_| Expected::True,
};
