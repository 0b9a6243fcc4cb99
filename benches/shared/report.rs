//! The figures of a bench with several experiments, as tables on standard output and as JSON.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::figures::{calibrate, describe_calibration, format_value, interquartile_range, median, output_directory};
use crate::target::Target;

/// All values of a quantity, in the order of the rounds.
#[derive(Debug, Serialize)]
struct Series {
    experiment: &'static str,
    subject: &'static str,
    quantity: &'static str,
    values: Vec<f64>,
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    quick: bool,
    cores: usize,
    calibration_ms: Vec<f64>,
    series: Vec<Series>,
    #[serde(skip)]
    targets: &'static [Target],
    #[serde(skip)]
    missed: Vec<String>,
    #[serde(skip)]
    met: usize,
}

impl Report {
    /// Begins a report, whose figures are compared with these targets.
    pub fn new(quick: bool, targets: &'static [Target]) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let calibration_ms = vec![calibrate()];
        Self { quick, cores, calibration_ms, series: Vec::new(), targets, missed: Vec::new(), met: 0 }
    }

    /// Notes a value of a round.
    pub fn note(&mut self, experiment: &'static str, subject: &'static str, quantity: &'static str, value: f64) {
        let same = |series: &&mut Series| {
            (series.experiment, series.subject, series.quantity) == (experiment, subject, quantity)
        };
        match self.series.iter_mut().find(same) {
            Some(series) => series.values.push(value),
            None => self.series.push(Series { experiment, subject, quantity, values: vec![value] }),
        }
    }

    fn values(&self, experiment: &str, subject: &str, quantity: &str) -> &[f64] {
        let same =
            |series: &&Series| (series.experiment, series.subject, series.quantity) == (experiment, subject, quantity);
        self.series.iter().find(same).map_or(&[], |series| &series.values)
    }

    /// Prints the table of an experiment, and compares it with its targets.
    pub fn print(&mut self, experiment: &'static str, title: &str) {
        println!("\n{title}");
        let (mut subjects, mut quantities) = (Vec::new(), Vec::new());
        for series in self.series.iter().filter(|series| series.experiment == experiment) {
            if !subjects.contains(&series.subject) {
                subjects.push(series.subject);
            }
            if !quantities.contains(&series.quantity) {
                quantities.push(series.quantity);
            }
        }
        let width = |quantity: &str| quantity.chars().count().max(9) + 2;
        let heads = quantities.iter().map(|quantity| format!("{quantity:>0$}", width(quantity)));
        println!("   {:34}{}", "", heads.collect::<String>());
        for subject in subjects {
            let cells = quantities.iter().map(|quantity| {
                let values = self.values(experiment, subject, quantity);
                let cell = if values.is_empty() { String::new() } else { format_value(median(values)) };
                format!("{cell:>0$}", width(quantity))
            });
            println!("   {subject:34}{}", cells.collect::<String>());
        }
        self.check_targets(experiment);
        self.calibration_ms.push(calibrate());
    }

    fn check_targets(&mut self, experiment: &str) {
        for target in self.targets.iter().filter(|target| target.experiment == experiment) {
            let own = self.values(experiment, target.subject, target.quantity);
            let values = match target.base.map(|base| self.values(experiment, base, target.quantity)) {
                // Both sides of a ratio met the same machine.
                Some(base) => own.iter().zip(base).map(|(own, base)| own / base).collect(),
                None => own.to_vec(),
            };
            // The short form has no experiments of full size.
            if values.is_empty() {
                continue;
            }
            let (value, is_met) = (median(&values), target.is_met(median(&values)));
            let range = if values.len() > 1 { interquartile_range(&values) } else { String::new() };
            let line = format!("{target}: {value:.2} {range}");
            println!("   {line}  {}", if is_met { "met" } else { "MISSED" });
            if is_met {
                self.met += 1;
            } else {
                self.missed.push(format!("{experiment}: {line}"));
            }
        }
    }

    /// Prints how steady the machine was, and which targets were missed.
    pub fn print_summary(&self) {
        println!("\n{}", describe_calibration(&self.calibration_ms));
        println!("Targets: {} met, {} missed.", self.met, self.missed.len());
        for line in &self.missed {
            println!("   {line}");
        }
    }

    /// Writes `target/bench/` and the name of the bench as JSON.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, bench: &str) -> io::Result<PathBuf> {
        let path = output_directory()?.join(format!("{bench}.json"));
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }
}
