//! A report as tables for people.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::histogram::{LatencyHistogram, OutcomeHistograms};
use super::outcome::Outcome;
use super::report::Report;
use crate::format;
use crate::table::{Table, wrapped};

/// The titles of the columns of times, and their quantiles.
const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Width of the lines of text, in columns.
const TEXT_WIDTH: usize = 80;

/// A generator that is later than this distorts the latencies, so the report says so.
const MAX_SEND_DELAY: Duration = Duration::from_millis(1);

/// Returns the tables of a report, with notes on how to read them.
pub fn render_table(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    for (method, histograms) in &report.methods {
        let title = if report.methods.len() > 1 { method } else { "latency" };
        render_rows(&mut text, title, histograms, colours);
        text.push('\n');
    }
    let total = report.total();
    let calls = total.count(|_| true);
    let results = total.count(|outcome| outcome == Outcome::Result);
    let answers = total.count(Outcome::is_answer);
    let a_second = calls as f64 / report.load_duration.as_secs_f64().max(1e-9);
    let sum = format!(
        "{} calls were due in {}, {} a second: {} results, {} errors, {} without an answer.",
        format::integer(calls),
        format::duration(report.load_duration),
        format::integer(a_second.round() as u64),
        format::integer(results),
        format::integer(answers - results),
        format::integer(calls - answers),
    );
    for line in [Some(sum), connection_note(report, calls), send_delay_note(report)]
        .into_iter()
        .flatten()
        .flat_map(|text| wrapped(&text, TEXT_WIDTH))
    {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn render_rows(text: &mut String, title: &str, histograms: &OutcomeHistograms, colours: bool) {
    let plain = Style::new();
    let mut table = Table::new(colours).right_from(1);
    let heads = [title, "calls"].into_iter().chain(QUANTILES.map(|(name, _)| name));
    table.row(heads.map(|head| (head, plain.bold())));
    let mut row = |name: &str, style: Style, latencies: &LatencyHistogram| {
        let times = QUANTILES
            .map(|(_, quantile)| latencies.quantile(quantile).map_or_else(|| "-".to_owned(), format::duration));
        let cells = [(name.to_owned(), style), (format::integer(latencies.count()), plain)];
        table.row(cells.into_iter().chain(times.map(|time| (time, plain))));
    };
    for (outcome, latencies) in histograms.outcomes() {
        let style = match outcome {
            Outcome::Result => AnsiColor::Green.on_default(),
            _ if outcome.is_answer() => AnsiColor::Yellow.on_default(),
            _ => AnsiColor::Red.on_default(),
        };
        row(&outcome.to_string(), style, latencies);
    }
    if histograms.outcomes().count() > 1 {
        row("all", plain, &histograms.latencies(|_| true));
    }
    let _ = write!(text, "{table}");
}

/// Returns a note if more than one call in a hundred waited for a free connection.
fn connection_note(report: &Report, calls: u64) -> Option<String> {
    let Report { waited_for_connection: waited, connections, in_flight, .. } = report;
    (waited * 100 > calls).then(|| {
        let waited = format::integer(*waited);
        let each = if *in_flight > 1 { format!(", with {in_flight} calls each") } else { String::new() };
        format!(
            "{waited} of them found all {connections} connections in use{each}: their latency includes the wait for one."
        )
    })
}

/// Returns a note if the generator itself was late.
fn send_delay_note(report: &Report) -> Option<String> {
    let delay = report.send_delays.quantile(0.99).filter(|delay| *delay > MAX_SEND_DELAY)?;
    let delay = format::duration(delay);
    Some(format!("This machine is so busy that the load itself was late by {delay} (p99): the latencies include that."))
}
