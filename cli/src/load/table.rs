//! A report for people.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::outcome::Outcome;
use super::report::Report;
use super::tally::{Latencies, Tally};
use crate::format::{duration as show, integer as grouped};
use crate::table::{Table, wrapped};

/// What stands above the columns of times, and what it is.
const COLUMNS: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Of lines of text, as of most terminals at least.
const WIDTH: usize = 80;

/// A load that is later than this has to be told from a slow server.
const LATE: Duration = Duration::from_millis(1);

/// The tables of a report, and what is to be known for reading them.
pub fn table(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    for (method, tally) in &report.methods {
        let title = if report.methods.len() > 1 { method } else { "latency" };
        rows(&mut text, title, tally, colours);
        text.push('\n');
    }
    let total = report.total();
    let calls = total.count(|_| true);
    let results = total.count(|outcome| outcome == Outcome::Result);
    let answers = total.count(Outcome::is_answer);
    let a_second = calls as f64 / report.loaded.as_secs_f64().max(1e-9);
    let sum = format!(
        "{} calls were due in {}, {} a second: {} results, {} errors, {} without an answer.",
        grouped(calls),
        show(report.loaded),
        grouped(a_second.round() as u64),
        grouped(results),
        grouped(answers - results),
        grouped(calls - answers),
    );
    for line in
        [Some(sum), waited(report, calls), late(report)].into_iter().flatten().flat_map(|text| wrapped(&text, WIDTH))
    {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn rows(text: &mut String, title: &str, tally: &Tally, colours: bool) {
    let plain = Style::new();
    let mut table = Table::new(colours).right_from(1);
    let heads = [title, "calls"].into_iter().chain(COLUMNS.map(|(name, _)| name));
    table.row(heads.map(|head| (head, plain.bold())));
    let mut row = |name: &str, style: Style, latencies: &Latencies| {
        let times = COLUMNS.map(|(_, quantile)| latencies.quantile(quantile).map_or_else(|| "-".to_owned(), show));
        let cells = [(name.to_owned(), style), (grouped(latencies.count()), plain)];
        table.row(cells.into_iter().chain(times.map(|time| (time, plain))));
    };
    for (outcome, latencies) in tally.outcomes() {
        let style = match outcome {
            Outcome::Result => AnsiColor::Green.on_default(),
            _ if outcome.is_answer() => AnsiColor::Yellow.on_default(),
            _ => AnsiColor::Red.on_default(),
        };
        row(&outcome.to_string(), style, latencies);
    }
    if tally.outcomes().count() > 1 {
        row("all", plain, &tally.latencies(|_| true));
    }
    let _ = write!(text, "{table}");
}

/// The connections may have made the times long.
fn waited(report: &Report, calls: u64) -> Option<String> {
    let Report { waited, connections, .. } = report;
    (waited * 100 > calls).then(|| {
        let waited = grouped(*waited);
        format!(
            "{waited} of them found all {connections} connections in use and waited for one, which their times include."
        )
    })
}

/// So may the load itself.
fn late(report: &Report) -> Option<String> {
    let late = report.late.quantile(0.99).filter(|late| *late > LATE)?;
    let late = show(late);
    Some(format!("The load itself was late by {late} (p99), as this machine is busy: that, too, is in the times."))
}
