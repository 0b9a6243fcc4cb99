//! How long a scrape takes, for each method.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use callbox_benches::closed_loop;
use callbox_benches::figures::{format_value, median, min_max};
use callbox_benches::layout::CoreAssignment;
use callbox_benches::server_process::ServerProcess;
use callbox_benches::workload::{Expected, Workload, call};
use serde_json::{Value, json};

use crate::Effort;
use crate::many_methods::{MAX_METHODS, NAMESPACES};
use crate::sample::check;
use crate::scrapes::scrape;
use crate::servers::{MANY, MANY_METHODS, MANY_SERVICES};

/// Number of scrapes in a round.
const SCRAPES: usize = 20;

/// Longest time of a scrape for each method, in milliseconds: 6 ms for a hundred.
const LIMIT: f64 = 0.06;

/// Calls every method, so that each has its histograms.
const EACH: Workload = Workload {
    name: "each",
    title: "Every method once",
    connections: 1,
    calls: MANY_METHODS,
    body: || {
        let services = NAMESPACES.iter().take(MANY_SERVICES);
        let methods = services.flat_map(|name| (0..MAX_METHODS).map(move |number| format!("{name}.{number:03}")));
        let calls: Vec<_> = methods.enumerate().map(|(id, method)| call(&method, "{}", id)).collect();
        format!("[{}]", calls.join(","))
    },
    expected: |_| Expected::True,
};

/// Measures scrapes of a server that does nothing else.
pub(crate) fn run(effort: Effort, assignment: &CoreAssignment) -> io::Result<Value> {
    let (mut times, mut size) = (Vec::new(), 0);
    for _ in 0..effort.rounds {
        let server = ServerProcess::start_with(&[MANY, &assignment.cores], &[], Stdio::null())?;
        let called = closed_loop::run(server.address, &EACH, Duration::from_millis(20), assignment.wait_mode)?;
        if called.wrong > 0 {
            return Err(io::Error::other("a method did not answer"));
        }
        for _ in 0..SCRAPES {
            let (bytes, took) = scrape(server.address)?;
            size = bytes;
            times.push(took.as_secs_f64() * 1e3);
        }
    }
    let (least, most) = min_max(&times);
    let [middle, least, most] = [median(&times), least, most].map(format_value);
    println!("\nA scrape of a server that does nothing else, each of whose methods was called");
    println!("   {MANY_METHODS} methods, {} KiB: {middle} ms [{least} – {most}]", size / 1024);
    let each = median(&times) / MANY_METHODS as f64;
    check(&format!("ms for each method ≤ {LIMIT}"), each, each <= LIMIT);
    Ok(json!({ "methods": MANY_METHODS, "bytes": size, "ms": times }))
}
