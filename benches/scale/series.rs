//! A cost as a function of a size, and the power function that fits it.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use callbox_benches::figures::{format_value, median, min_max, output_directory};
use callbox_cli::plot::{Axis, Chart, Line};

/// The measurements of one subject.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) title: &'static str,
    pub(crate) subject: &'static str,
    /// The quantity that grows.
    pub(crate) of: &'static str,
    /// The unit of the cost.
    pub(crate) unit: &'static str,
    pub(crate) points: Vec<Point>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) size: usize,
    /// One value per round.
    pub(crate) values: Vec<f64>,
}

impl Series {
    pub(crate) fn new(title: &'static str, subject: &'static str, of: &'static str, unit: &'static str) -> Self {
        Self { title, subject, of, unit, points: Vec::new() }
    }

    pub(crate) fn note(&mut self, size: usize, value: f64) {
        match self.points.iter_mut().find(|point| point.size == size) {
            Some(point) => point.values.push(value),
            None => self.points.push(Point { size, values: vec![value] }),
        }
    }

    fn medians(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|point| (point.size as f64, median(&point.values))).collect()
    }

    /// Returns the `factor` and the `exponent` of the function `factor * size ^ exponent` that fits
    /// best, by least squares on the logarithms.
    fn fit(&self) -> (f64, f64) {
        let logs: Vec<_> = self.medians().into_iter().map(|(size, value)| (size.ln(), value.ln())).collect();
        let count = logs.len() as f64;
        let mean = |each: fn(&(f64, f64)) -> f64| logs.iter().map(each).sum::<f64>() / count;
        let (x, y) = (mean(|log| log.0), mean(|log| log.1));
        let along: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
        let width: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
        let exponent = if width > 0.0 { along / width } else { 0.0 };
        ((y - exponent * x).exp(), exponent)
    }
}

/// Prints the series of one title as a table, and draws them as a chart in `target/bench`.
pub(crate) fn print(name: &str, all: &[Series]) {
    let Some(first) = all.first() else { return };
    println!("\n{}", first.title);
    for series in all {
        let (_, exponent) = series.fit();
        println!("   {}: grows as {} ^ {exponent:.2}", series.subject, series.of);
        for Point { size, values } in &series.points {
            let (min, max) = min_max(values);
            let range = if values.len() > 1 {
                format!("[{} – {}]", format_value(min), format_value(max))
            } else {
                String::new()
            };
            println!("   {size:>8}  {:>9} {}  {range}", format_value(median(values)), series.unit);
        }
    }
    match draw(name, all) {
        Ok(path) => println!("   drawn: {}", path.display()),
        Err(error) => println!("   {name} could not be drawn: {error}"),
    }
}

fn draw(name: &str, all: &[Series]) -> io::Result<PathBuf> {
    let Some(first) = all.first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let sizes: Vec<_> = first.points.iter().map(|point| point.size as f64).collect();
    let mut lines = Vec::new();
    for series in all {
        let (factor, exponent) = series.fit();
        lines.push(Line { name: series.subject.to_owned(), points: series.medians() });
        let fitted = sizes.iter().map(|size| (*size, factor * size.powf(exponent)));
        lines.push(Line { name: format!("{} ^ {exponent:.2}", series.of), points: fitted.collect() });
    }
    let max = lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    let chart = Chart {
        title: first.title.to_owned(),
        x: Axis::ratios(first.of, &sizes),
        y: Axis::linear(first.unit, max * 1.2),
        lines,
        band: None,
        limit: None,
        dots: true,
    };
    let path = output_directory()?.join(format!("scale-{name}.svg"));
    std::fs::write(&path, chart.to_string())?;
    Ok(path)
}

/// Writes `target/bench/scale.json`.
pub(crate) fn write(all: &[Series]) -> io::Result<PathBuf> {
    let path = output_directory()?.join("scale.json");
    std::fs::write(&path, serde_json::to_vec_pretty(all)?)?;
    Ok(path)
}
