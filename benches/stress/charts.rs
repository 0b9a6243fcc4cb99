//! A chart of a run over time.

use std::time::Duration;

use callbox_cli::load::Report;
use callbox_cli::plot::{Axis, Chart, Line};

/// Returns a chart of the latencies in each interval of a run; `None` if no call ended.
pub(crate) fn over_time(report: &Report) -> Option<Chart> {
    let intervals = || report.intervals.iter();
    let lines = [
        line("p99", intervals().map(|interval| (interval.end, interval.p99))),
        line("p50", intervals().map(|interval| (interval.end, interval.p50))),
    ];
    let known = lines.iter().any(|line| line.points.len() > 1);
    let end = report.elapsed.as_secs_f64();
    known.then(|| Chart {
        title: format!("Latency over time at {} calls/s", report.rate),
        x: Axis::linear("time (s)", end),
        y: Axis::log("latency (ms)", lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y)),
        lines: lines.into_iter().collect(),
        band: None,
        limit: None,
        dots: false,
    })
}

/// Returns a line of times in milliseconds over seconds.
fn line(name: &str, times: impl Iterator<Item = (Duration, Option<Duration>)>) -> Line {
    let points = times.filter_map(|(at, time)| Some((at.as_secs_f64(), time?.as_secs_f64() * 1e3)));
    Line { name: name.to_owned(), points: points.collect() }
}
