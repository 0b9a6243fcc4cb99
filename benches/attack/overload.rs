//! Overload: four times the service's capacity.

use std::io;
use std::time::Duration;

use crate::client::call;
use crate::load::{CallRecord, LoadPlan, Outcome, open_loop};
use crate::report::{Report, ms, p99};
use crate::server_process::ServerProcess;

/// Cost of a call in microseconds, and so the capacity in calls per second.
const MICROS: u64 = 2000;
const CAPACITY: f64 = 500.0;

/// Length of the windows in which latencies are checked after the overload.
const WINDOW: Duration = Duration::from_millis(100);

/// Maximum memory growth, in MiB: the mailboxes are bounded, and so is the memory for the
/// connections that calls of 200 ms need.
const MEMORY: f64 = 64.0;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let time = Duration::from_secs(report.pick(30, 3));
    let rest = Duration::from_secs(report.pick(5, 1));
    let server = ServerProcess::start(&[])?;
    let load =
        |rate: f64, time| open_loop(server.address, LoadPlan { rate, time }, &call("work", &format!("[{MICROS}]")));
    load(CAPACITY / 2.0, Duration::from_secs(1));
    let normal = p99(load(CAPACITY / 2.0, rest).iter().map(|record| record.latency));
    let peak =
        [0.9, 1.0, 1.2, 1.5].map(|rate| goodput(&load(CAPACITY * rate, rest), rest)).into_iter().fold(0.0, f64::max);

    let before = server.memory()?;
    let records = load(4.0 * CAPACITY, time);
    let growth = server.memory()?.growth_since(before);
    let after = load(CAPACITY / 2.0, rest);

    let refused = records.iter().filter(|record| record.outcome == Outcome::Error(-32000)).map(|record| record.latency);
    let (refusals, count) = (p99(refused.clone()), refused.count());
    let what = format!("4 × capacity for {} s: p99 of a rejection below 50 ms", time.as_secs());
    report.timed(what, format!("{} of {count}", ms(refusals)), refusals < Duration::from_millis(50) && count > 0);
    let good = goodput(&records, time);
    let expired = records.iter().filter(|record| record.outcome == Outcome::Error(-32002)).count();
    let reached = format!("{:.0} %, {good:.0} of {peak:.0} calls/s; {expired} × -32002", 100.0 * good / peak);
    report.timed("goodput at least 90 % of the peak", reached, good >= 0.9 * peak);
    let lost = |record: &&CallRecord| matches!(record.outcome, Outcome::NoConnection | Outcome::Unanswered);
    let lost = records.iter().chain(&after).filter(lost).count();
    report.exact(
        "every call gets a response",
        format!("{lost} without, of {}", records.len() + after.len()),
        lost == 0,
    );
    let settled = until_normal(&after, normal);
    let reached = settled.map_or("not".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    report.timed("normal within 2 s", reached, settled.is_some_and(|time| time <= Duration::from_secs(2)));
    report.exact(format!("memory grows by less than {MEMORY} MiB"), format!("{growth:.1} MiB"), growth < MEMORY);
    Ok(())
}

/// Returns the results per second. The server ensures that none is sent after its deadline.
fn goodput(records: &[CallRecord], time: Duration) -> f64 {
    let good = |record: &&CallRecord| record.outcome == Outcome::Result && record.due + record.latency <= time;
    records.iter().filter(good).count() as f64 / time.as_secs_f64()
}

/// Returns the end of the first window in which every call has its result, and half of them are no
/// slower than the normal p99.
fn until_normal(records: &[CallRecord], normal: Duration) -> Option<Duration> {
    let end = records.iter().map(|record| record.due).max()?;
    let mut from = Duration::ZERO;
    while from + WINDOW <= end {
        let due = records.iter().filter(|record| record.due >= from && record.due < from + WINDOW);
        let quick = due.clone().filter(|record| record.latency <= normal).count();
        if due.clone().all(|record| record.outcome == Outcome::Result) && 2 * quick >= due.count() {
            return Some(from + WINDOW);
        }
        from += WINDOW;
    }
    None
}
