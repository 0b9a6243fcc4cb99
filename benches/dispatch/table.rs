//! Criterion's figures of this run, as a table beside a baseline and as one JSON file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use callbox_benches::figures::output_directory;

/// The figures of one benchmark.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Nanoseconds, with the 95 % confidence interval.
    time: f64,
    lower: f64,
    upper: f64,
    /// The benchmark that it is compared with, and the ratio of the times.
    baseline: String,
    ratio: Option<f64>,
    #[serde(skip)]
    written: SystemTime,
}

/// Returns the directory in which criterion keeps its figures.
///
/// # Errors
///
/// If the directory cannot be created.
pub(crate) fn criterion_directory() -> io::Result<PathBuf> {
    Ok(output_directory()?.join("dispatch"))
}

/// Prints the figures that were measured since `begin`, and writes them to
/// `target/bench/dispatch.json`.
///
/// # Errors
///
/// If a file cannot be read or written.
pub(crate) fn print(begin: SystemTime) -> io::Result<()> {
    let mut rows = Vec::new();
    collect(&criterion_directory()?, begin, &mut rows)?;
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|row| row.written);
    let times: Vec<_> = rows.iter().map(|row| (row.name.clone(), row.time)).collect();
    println!("\n{:66} {:>10}   {:25} {:>10}", "", "time", "", "× baseline");
    for row in &mut rows {
        let baseline = times.iter().find(|(name, _)| *name == row.baseline);
        row.ratio = baseline.map(|(_, time)| row.time / time);
        let range = format!("[{} – {}]", time(row.lower), time(row.upper));
        let ratio = row.ratio.map_or_else(|| "–".to_owned(), share);
        println!("{:66} {:>10}   {range:25} {ratio:>10}", row.name, time(row.time));
    }
    println!(
        "The baseline is `addr.send` to a plain actor; for large calls, the time of serde_json to skip and read their parameters."
    );
    let path = output_directory()?.join("dispatch.json");
    fs::write(&path, serde_json::to_vec_pretty(&rows)?)?;
    println!("written: {}", path.display());
    Ok(())
}

/// Collects the benchmarks below a directory whose figures are new.
fn collect(directory: &Path, begin: SystemTime, rows: &mut Vec<Row>) -> io::Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.ends_with("new") {
            rows.extend(read(&path)?.filter(|row| row.written >= begin));
        } else if path.is_dir() {
            collect(&path, begin, rows)?;
        }
    }
    Ok(())
}

/// Returns `None` if criterion has not finished the benchmark.
fn read(directory: &Path) -> io::Result<Option<Row>> {
    #[derive(Deserialize)]
    struct Benchmark {
        full_id: String,
    }
    #[derive(Deserialize)]
    struct Estimates {
        mean: Estimate,
        /// Absent if each sample has the same number of iterations.
        slope: Option<Estimate>,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
        confidence_interval: Interval,
    }
    #[derive(Deserialize)]
    struct Interval {
        lower_bound: f64,
        upper_bound: f64,
    }
    let (benchmark, estimates) = (directory.join("benchmark.json"), directory.join("estimates.json"));
    if !benchmark.exists() || !estimates.exists() {
        return Ok(None);
    }
    let written = estimates.metadata()?.modified()?;
    let Benchmark { full_id: name } = serde_json::from_slice(&fs::read(benchmark)?)?;
    let Estimates { mean, slope } = serde_json::from_slice(&fs::read(estimates)?)?;
    let Estimate { point_estimate: time, confidence_interval } = slope.unwrap_or(mean);
    let (lower, upper) = (confidence_interval.lower_bound, confidence_interval.upper_bound);
    let baseline = baseline(&name);
    Ok(Some(Row { name, time, lower, upper, baseline, ratio: None, written }))
}

fn baseline(name: &str) -> String {
    match name.split_once('/') {
        Some(("large", what)) => {
            format!("large/{}, skipped and read", what.rsplit_once(", ").map_or(what, |(what, _)| what))
        }
        Some(("batch of 100", _)) => "batch of 100/addr.send to a plain actor, one after the other".to_owned(),
        _ => "single/addr.send to a plain actor".to_owned(),
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e3 => format!("{short:.1} ns"),
        middle if middle < 1e6 => format!("{:.2} µs", middle / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    }
}

/// Formats a ratio; a small one as a fraction of the baseline.
fn share(ratio: f64) -> String {
    if ratio < 0.1 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}
