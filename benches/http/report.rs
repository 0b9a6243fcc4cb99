//! The figures, as tables of ratios on standard output and as JSON.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::instructions;
use crate::servers::Subject;
use crate::targets::{self, Quantity};
use callbox_benches::figures::{
    calibrate, describe_calibration, format_value, interquartile_range, median, min_max, output_directory,
};
use callbox_benches::layout::CoreLayout;
use callbox_benches::measurement::Sample;
use callbox_benches::workload::Workload;

/// All samples of a workload and a subject.
#[derive(Debug, Serialize)]
struct Series {
    workload: &'static str,
    subject: Subject,
    samples: Vec<Sample>,
}

/// Memory per idle connection, in KiB.
#[derive(Debug, Serialize)]
struct Idle {
    subject: Subject,
    kib: Vec<f64>,
}

/// Instructions per call, in each segment.
#[derive(Debug, Serialize)]
struct Instructions {
    subject: Subject,
    per_call: Vec<f64>,
    /// Number of segments that were dropped because some of their calls did not run inline.
    dropped: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    quick: bool,
    layout: CoreLayout,
    cores: usize,
    calibration_ms: Vec<f64>,
    series: Vec<Series>,
    idle: Vec<Idle>,
    instructions: Vec<Instructions>,
    /// Whether a target is missed that does not depend on the machine.
    #[serde(skip)]
    failed: bool,
    #[serde(skip)]
    missed: Vec<String>,
    #[serde(skip)]
    met: usize,
}

impl Report {
    pub(crate) fn new(quick: bool, layout: CoreLayout) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let calibration_ms = vec![calibrate()];
        let (series, idle, instructions, missed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { quick, layout, cores, calibration_ms, series, idle, instructions, failed: false, missed, met: 0 }
    }

    pub(crate) fn note(&mut self, workload: &Workload, subject: Subject, sample: Sample) {
        let same = |series: &&mut Series| series.workload == workload.name && series.subject == subject;
        match self.series.iter_mut().find(same) {
            Some(series) => series.samples.push(sample),
            None => self.series.push(Series { workload: workload.name, subject, samples: vec![sample] }),
        }
    }

    pub(crate) fn note_idle(&mut self, subject: Subject, kib: f64) {
        match self.idle.iter_mut().find(|idle| idle.subject == subject) {
            Some(idle) => idle.kib.push(kib),
            None => self.idle.push(Idle { subject, kib: vec![kib] }),
        }
    }

    pub(crate) fn note_instructions(&mut self, subject: Subject, per_call: Vec<f64>, dropped: usize) {
        self.instructions.push(Instructions { subject, per_call, dropped });
    }

    /// Records what could not be measured, for the summary.
    pub(crate) fn note_unmeasured(&mut self, what: &str) {
        println!("\n{what}");
        self.missed.push(what.to_owned());
    }

    /// Returns the values of one quantity, in the order of the rounds.
    fn values(&self, workload: &str, subject: Subject, quantity: Quantity) -> Vec<f64> {
        if quantity == Quantity::Memory {
            let idle = self.idle.iter().find(|idle| idle.subject == subject);
            return idle.map_or_else(Vec::new, |idle| idle.kib.clone());
        }
        if quantity == Quantity::Instructions {
            let counted = self.instructions.iter().find(|counted| counted.subject == subject);
            return counted.map_or_else(Vec::new, |counted| counted.per_call.clone());
        }
        let series = self.series.iter().find(|series| series.workload == workload && series.subject == subject);
        series.map_or_else(Vec::new, |series| series.samples.iter().map(|sample| quantity.of(sample)).collect())
    }

    /// Returns the ratios of the values of two subjects, round by round, so that both sides of a
    /// ratio met the same machine.
    fn ratios(&self, workload: &str, subject: Subject, base: Subject, quantity: Quantity) -> Vec<f64> {
        let (own, base) = (self.values(workload, subject, quantity), self.values(workload, base, quantity));
        own.iter().zip(base).map(|(own, base)| own / base).collect()
    }

    /// Prints the table of one workload.
    pub(crate) fn print(&mut self, workload: &Workload) {
        println!("\n{}", workload.title);
        println!(
            "   {:26} {:>10} {:>8} {:>16} {:>8} {:>8} {:>8} {:>9} {:>9} {:>6}",
            "", "calls/s", "× bare", "", "CPU µs", "× bare", "p50 ms", "p99 ms", "peak MiB", "wrong"
        );
        for subject in Subject::ALL {
            let middle = |quantity| format_value(median(&self.values(workload.name, subject, quantity)));
            let ratios = |quantity| self.ratios(workload.name, subject, Subject::Bare, quantity);
            let (calls, cpu) = (ratios(Quantity::Calls), ratios(Quantity::Cpu));
            let range = if calls.len() > 1 { interquartile_range(&calls) } else { String::new() };
            println!(
                "   {subject:26} {:>10} {:>8.2} {range:>16} {:>8} {:>8.2} {:>8} {:>9} {:>9} {:>6}",
                middle(Quantity::Calls),
                median(&calls),
                middle(Quantity::Cpu),
                median(&cpu),
                middle(Quantity::P50),
                middle(Quantity::P99),
                middle(Quantity::Peak),
                self.wrong_replies_of(workload, subject),
            );
        }
        self.check_targets(workload.name);
        self.calibration_ms.push(calibrate());
    }

    /// Prints the table of the memory of idle connections.
    pub(crate) fn print_idle(&mut self, count: usize) {
        println!("\nMemory for each of {count} idle connections, in KiB");
        for subject in Subject::ALL {
            let values = self.values(crate::idle::NAME, subject, Quantity::Memory);
            let ratio = median(&self.ratios(crate::idle::NAME, subject, Subject::Bare, Quantity::Memory));
            println!("   {subject:26} {:>10} {ratio:>8.2} × bare", format_value(median(&values)));
        }
        self.check_targets(crate::idle::NAME);
    }

    /// Prints the table of the instructions per call.
    pub(crate) fn print_instructions(&mut self, version: &str) {
        println!("\nInstructions of a trivial call over one connection, by callgrind ({version})");
        for Instructions { subject, per_call, dropped } in &self.instructions {
            let ratio = median(&self.ratios(instructions::NAME, *subject, Subject::Bare, Quantity::Instructions));
            let (min, max) = min_max(per_call);
            println!(
                "   {subject:26} {:>10.0} {ratio:>8.3} × bare  [{min:.0} – {max:.0}] in {} segments, {dropped} dropped",
                median(per_call),
                per_call.len(),
            );
        }
        self.check_targets(instructions::NAME);
    }

    /// Compares the figures of a workload with its targets.
    fn check_targets(&mut self, workload: &str) {
        for target in targets::ALL.iter().filter(|target| target.workload == workload) {
            let ratios = self.ratios(workload, target.subject, target.base, target.quantity);
            let ratio = median(&ratios);
            let verdict = if target.is_met(ratio) { "met" } else { "MISSED" };
            // Instructions hardly vary, so they need one more digit.
            let digits = if target.quantity == Quantity::Instructions { 3 } else { 2 };
            let line = format!("{target}: {ratio:.digits$} {}", interquartile_range(&ratios));
            println!("   {line}  {verdict}");
            if target.is_met(ratio) {
                self.met += 1;
            } else {
                self.failed |= target.quantity == Quantity::Instructions;
                self.missed.push(format!("{workload}: {line}"));
            }
        }
    }

    fn wrong_replies_of(&self, workload: &Workload, subject: Subject) -> u64 {
        let series = self.series.iter().filter(|series| series.workload == workload.name && series.subject == subject);
        series.flat_map(|series| &series.samples).map(|sample| sample.wrong).sum()
    }

    /// Returns the number of wrong responses of the run.
    pub(crate) fn wrong(&self) -> u64 {
        self.series.iter().flat_map(|series| &series.samples).map(|sample| sample.wrong).sum()
    }

    /// Whether a target is missed that does not depend on the machine.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn print_summary(&self) {
        println!("\nThe cores: {}.\n{}", self.layout, describe_calibration(&self.calibration_ms));
        println!("Targets: {} met, {} missed.", self.met, self.missed.len());
        for line in &self.missed {
            println!("   {line}");
        }
    }

    /// Writes `target/bench/http.json`.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        let path = output_directory()?.join("http.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }
}
