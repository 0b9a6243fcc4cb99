//! Measurements of several servers under load, and their tables.

use std::io;

use callbox_benches::closed_loop::WaitMode;
use callbox_benches::figures::{format_value, interquartile_range, median};
use callbox_benches::measurement::{self, Sample};
use callbox_benches::server_process::ServerProcess;
use callbox_benches::workload::TRIVIAL;
use serde::Serialize;

use crate::Effort;

/// A subject with the samples of all rounds.
#[derive(Serialize)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Sample>,
}

impl Subject {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new() }
    }

    fn values(&self, of: fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(of).collect()
    }

    /// Returns the ratios to another subject, round by round.
    pub(crate) fn ratios(&self, base: &Self, of: fn(&Sample) -> f64) -> Vec<f64> {
        self.values(of).into_iter().zip(base.values(of)).map(|(own, base)| own / base).collect()
    }
}

/// Loads a server with a trivial method, and measures it after a warm-up.
///
/// # Errors
/// If the server cannot be loaded, or gives a wrong response.
pub(crate) fn measure(server: &ServerProcess, effort: Effort, wait_mode: WaitMode) -> io::Result<Sample> {
    let sample = measurement::measure(server, &TRIVIAL, (effort.warm_up, effort.time), wait_mode)?;
    match sample.wrong {
        0 => Ok(sample),
        wrong => Err(io::Error::other(format!("{wrong} responses were wrong"))),
    }
}

/// Prints the subjects, as ratios to the first one.
pub(crate) fn print(title: &str, subjects: &[Subject]) {
    println!("\n{title}");
    println!(
        "   {:34} {:>9} {:>7} {:>16} {:>8} {:>7} {:>8} {:>7} {:>16}",
        "", "calls/s", "× first", "", "CPU µs", "× first", "p99 ms", "× first", ""
    );
    let Some(first) = subjects.first() else { return };
    for subject in subjects {
        let middle = |of: fn(&Sample) -> f64| format_value(median(&subject.values(of)));
        let calls = subject.ratios(first, |sample| sample.calls_per_second);
        let cpu = subject.ratios(first, |sample| sample.cpu_micros);
        let p99 = subject.ratios(first, |sample| sample.p99_ms);
        println!(
            "   {:34} {:>9} {:>7.2} {:>16} {:>8} {:>7.2} {:>8} {:>7.2} {:>16}",
            subject.name,
            middle(|sample| sample.calls_per_second),
            median(&calls),
            interquartile_range(&calls),
            middle(|sample| sample.cpu_micros),
            median(&cpu),
            middle(|sample| sample.p99_ms),
            median(&p99),
            interquartile_range(&p99),
        );
    }
}

/// Prints whether a figure meets its target.
pub(crate) fn check(what: &str, figure: f64, is_met: bool) {
    println!("   {what}: {figure:.2}  {}", if is_met { "met" } else { "MISSED" });
}
