//! Targets, the values that were reached, and whether they meet the targets.

use std::fmt::Display;
use std::time::Duration;

/// The rows of the current attack, and whether any target was missed.
pub(crate) struct Report {
    quick: bool,
    missed: bool,
    rows: Vec<[String; 3]>,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        Self { quick, missed: false, rows: Vec::new() }
    }

    /// Returns one value for a full run, and another one for a quick run.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Adds a target that holds on any machine.
    pub(crate) fn exact(&mut self, target: impl Display, reached: impl Display, met: bool) {
        self.missed |= !met;
        let verdict = if met { "met" } else { "MISSED" };
        self.rows.push([target.to_string(), reached.to_string(), verdict.to_owned()]);
    }

    /// Adds a target that a busy machine may miss, so it does not count in a quick run.
    pub(crate) fn timed(&mut self, target: impl Display, reached: impl Display, met: bool) {
        self.missed |= !met && !self.quick;
        let verdict = match (met, self.quick) {
            (true, _) => "met",
            (false, true) => "missed in a quick run",
            (false, false) => "MISSED",
        };
        self.rows.push([target.to_string(), reached.to_string(), verdict.to_owned()]);
    }

    /// Prints the rows of the attack that has ended.
    pub(crate) fn print(&mut self, name: &str, took: Duration) {
        println!("\n{name} ({:.1} s)", took.as_secs_f64());
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let (target, reached) = (width(0), width(1));
        for row in self.rows.drain(..) {
            println!("  {:target$} | {:reached$} | {}", row[0], row[1], row[2]);
        }
    }

    pub(crate) fn is_missed(&self) -> bool {
        self.missed
    }
}

/// Returns the 99th percentile; zero if there are no times.
pub(crate) fn p99(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
