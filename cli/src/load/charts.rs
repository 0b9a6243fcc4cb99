//! Draws a report as a chart.

use std::cmp::Reverse;

use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::outcome::Outcome;
use super::report::Report;
use crate::plot::{Axis, Chart, Line, STYLES};

/// Number of points of a line.
const POINTS_PER_LINE: u32 = 200;

/// Returns a chart of the latencies by percentile. The axis gives each further nine (90 %, 99 %,
/// 99.9 %) the same width, so that slowness of a few calls is visible.
pub fn by_percentile(report: &Report) -> Chart {
    let sets: Vec<_> = latency_sets(report).into_iter().filter(|(_, latencies)| latencies.count() > 0).collect();
    let max_count = sets.iter().map(|(_, latencies)| latencies.count()).max().unwrap_or(1);
    // Percentiles beyond the number of calls would all show the same longest latency.
    let nines = (max_count as f64).log10().ceil().clamp(2.0, 6.0) as i32;
    let lines: Vec<_> = sets.iter().map(|(name, latencies)| line(name, latencies, nines)).collect();
    let methods: Vec<_> = report.methods.iter().map(|(method, _)| method.as_str()).collect();
    Chart {
        title: format!("Latency of {} at {} calls/s", methods.join(", "), report.rate),
        x: Axis::percentiles("percentile", nines),
        y: Axis::log("latency (ms)", lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y)),
        lines,
        band: None,
        limit: None,
        dots: false,
    }
}

/// Returns the latencies by outcome. With several methods, their results are separate; only as many
/// as there are line styles are returned, those with the most calls first.
fn latency_sets(report: &Report) -> Vec<(String, LatencyHistogram)> {
    let total = report.total();
    let is_error = |outcome: Outcome| outcome != Outcome::Result && outcome.is_answer();
    let others = [
        ("errors".to_owned(), total.latencies(is_error)),
        ("without an answer".to_owned(), total.latencies(|outcome| !outcome.is_answer())),
    ];
    let results = |histograms: &OutcomeHistograms| histograms.latencies(|outcome| outcome == Outcome::Result);
    let mut sets: Vec<_> = match report.methods.as_slice() {
        [_] => vec![("results".to_owned(), results(&total))],
        methods => methods.iter().map(|(method, histograms)| (method.clone(), results(histograms))).collect(),
    };
    sets.sort_by_key(|(_, latencies)| Reverse(latencies.count()));
    sets.truncate(STYLES.len() - others.len());
    sets.into_iter().chain(others).collect()
}

fn line(name: &str, latencies: &LatencyHistogram, nines: i32) -> Line {
    // The line ends at the slowest call.
    let end = (latencies.count() as f64).log10().min(nines.into());
    let points = (0..=POINTS_PER_LINE).filter_map(|point| {
        let rarity = 10f64.powf(end * f64::from(point) / f64::from(POINTS_PER_LINE));
        let latency = latencies.quantile(1.0 - 1.0 / rarity)?;
        Some((rarity, latency.as_secs_f64() * 1e3))
    });
    Line { name: format!("{name} ({})", latencies.count()), points: points.collect() }
}
