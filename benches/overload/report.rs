//! The figures, as tables on standard output and as JSON.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Serialize;

use callbox_benches::bound::Bound;
use callbox_benches::figures::{calibrate, describe_calibration, format_value, median, min_max, output_directory};
use callbox_cli::plot::Chart;

/// One quantity of one subject, with one value per repeat.
#[derive(Debug, Serialize)]
struct Figure {
    experiment: u8,
    subject: String,
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    median: f64,
    target: Option<Bound>,
    met: Option<bool>,
}

/// All figures of a run.
#[derive(Debug)]
pub(crate) struct Report {
    quick: bool,
    figures: Vec<Figure>,
    /// Times of the calibration loop, in milliseconds.
    calibration: Vec<f64>,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        Self { quick, figures: Vec::new(), calibration: Vec::new() }
    }

    /// Records a quantity. Repeats of the same quantity are combined.
    pub(crate) fn note(
        &mut self,
        experiment: u8,
        subject: &dyn fmt::Display,
        what: &str,
        unit: &'static str,
        value: f64,
        target: Option<Bound>,
    ) {
        let subject = subject.to_string();
        let same =
            |figure: &&mut Figure| figure.experiment == experiment && figure.subject == subject && figure.what == what;
        if let Some(figure) = self.figures.iter_mut().find(same) {
            figure.values.push(value);
            figure.update_median();
            return;
        }
        let what = what.to_owned();
        let mut figure =
            Figure { experiment, subject, what, unit, values: vec![value], median: value, target, met: None };
        figure.update_median();
        self.figures.push(figure);
    }

    /// Runs the calibration loop. Its time varies only because of the machine.
    pub(crate) fn calibrate(&mut self) {
        self.calibration.push(calibrate());
    }

    /// Prints the table of one experiment.
    pub(crate) fn print(&self, experiment: u8, title: &str) {
        println!("\n{experiment}. {title}");
        let figures: Vec<_> = self.figures.iter().filter(|figure| figure.experiment == experiment).collect();
        let width = |text: fn(&Figure) -> &str| figures.iter().map(|f| text(f).chars().count()).max().unwrap_or(0);
        let (subjects, whats) = (width(|f| &f.subject), width(|f| &f.what));
        for figure in figures {
            let Figure { subject, what, unit, values, median, target, met, .. } = figure;
            let (min, max) = min_max(values);
            let range = if values.len() > 1 {
                format!("[{} – {}]", format_value(min), format_value(max))
            } else {
                String::new()
            };
            let verdict = match (target, met) {
                (Some(target), Some(true)) => format!("{target}  met"),
                (Some(target), _) => format!("{target}  MISSED"),
                _ => String::new(),
            };
            let line = format!(
                "   {subject:subjects$}  {what:whats$}  {:>9} {unit:8} {range:20} {verdict}",
                format_value(*median)
            );
            println!("{}", line.trim_end());
        }
    }

    /// Prints how steady the machine was, and which targets were missed.
    pub(crate) fn print_summary(&self) {
        println!("\n{}", describe_calibration(&self.calibration));
        let met = self.figures.iter().filter(|figure| figure.met == Some(true)).count();
        let missed: Vec<_> = self.figures.iter().filter(|figure| figure.met == Some(false)).collect();
        println!("Targets: {met} met, {} missed.", missed.len());
        for Figure { experiment, subject, what, median, unit, target, .. } in missed {
            if let Some(target) = target {
                println!("   {experiment}. {subject}: {what} is {} {unit}, target {target}", format_value(*median));
            }
        }
    }

    /// Writes `target/bench/overload.json`.
    pub(crate) fn write(&self) -> io::Result<PathBuf> {
        #[derive(Serialize)]
        struct File<'a> {
            quick: bool,
            cores: usize,
            calibration_ms: &'a [f64],
            figures: &'a [Figure],
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let file = File { quick: self.quick, cores, calibration_ms: &self.calibration, figures: &self.figures };
        let path = output_directory()?.join("overload.json");
        fs::write(&path, serde_json::to_vec_pretty(&file)?)?;
        Ok(path)
    }
}

impl Figure {
    fn update_median(&mut self) {
        self.median = median(&self.values);
        self.met = self.target.map(|target| target.is_met(self.median));
    }
}

/// Writes `target/bench/<name>.svg`. An error is only printed, because the figures matter more than
/// the picture.
pub(crate) fn write_chart(chart: &Chart, name: &str) {
    let drawn = output_directory().and_then(|directory| {
        let path = directory.join(name).with_extension("svg");
        fs::write(&path, chart.to_string()).map(|()| path)
    });
    match drawn {
        Ok(path) => println!("drawn: {}", path.display()),
        Err(error) => println!("{name} could not be drawn: {error}"),
    }
}
