//! Statistics of repeated measurements, for all benches.

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// Returns the median; of two middle values, the lower one. NaN values are ignored.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the smallest and the largest value. NaN values are ignored.
pub fn min_max(values: &[f64]) -> (f64, f64) {
    let known = values.iter().copied().filter(|value| !value.is_nan());
    known.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)))
}

/// Returns the interquartile range. The smallest and the largest value would show the worst moments
/// of a shared machine.
pub fn interquartile_range(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let quartile = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    format!("[{:.2} – {:.2}]", quartile(last / 4), quartile(last - last / 4))
}

/// Formats a value with four significant digits.
pub fn format_value(value: f64) -> String {
    match value.abs() {
        _ if value.is_infinite() => "never".to_owned(),
        _ if value.is_nan() => "–".to_owned(),
        size if value == value.trunc() && size < 1e6 => format!("{value}"),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Returns the time of the calibration loop, a fixed piece of work, in milliseconds. It varies only
/// because of the machine.
pub fn calibrate() -> f64 {
    let begin = Instant::now();
    let mut mixed = 1u64;
    // The loop is longer than a time slice of the operating system, so that other work on the
    // machine has an effect.
    for _ in 0..50_000_000 {
        mixed = black_box(mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    begin.elapsed().as_secs_f64() * 1e3
}

/// Returns a sentence on how steady the machine was.
pub fn describe_calibration(calibration: &[f64]) -> String {
    let (min, max) = min_max(calibration);
    let middle = median(calibration);
    format!(
        "The machine: the calibration loop took {} ms (median of {}), between {} and {} (± {} %).",
        format_value(middle),
        calibration.len(),
        format_value(min),
        format_value(max),
        format_value(50.0 * (max - min) / middle)
    )
}

/// Returns the directory `target/bench`, which is created if necessary.
///
/// # Errors
///
/// If the directory cannot be created.
pub fn output_directory() -> io::Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("bench");
    fs::create_dir_all(&path)?;
    Ok(path)
}
