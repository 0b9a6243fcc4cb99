//! Figures of repeated measurements: what all benches do with them.

use std::fs;
use std::hint::black_box;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// The middle one; of two, the lower.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the most.
pub fn min_max(values: &[f64]) -> (f64, f64) {
    let known = values.iter().copied().filter(|value| !value.is_nan());
    known.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// Four digits, whatever the size.
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

/// The time that a fixed piece of work takes, in milliseconds. What varies here varies because of the machine.
pub fn calibrate() -> f64 {
    let begin = Instant::now();
    let mut mixed = 1u64;
    // Longer than a slice of the operating system's time, so that sharing the machine shows.
    for _ in 0..50_000_000 {
        mixed = black_box(mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    begin.elapsed().as_secs_f64() * 1e3
}

/// How steady the machine was, in a sentence.
pub fn describe_calibration(calibration: &[f64]) -> String {
    let (least, most) = min_max(calibration);
    let middle = median(calibration);
    format!(
        "The machine: a fixed piece of work took {} ms in the median of {}, between {} and {} (± {} %).",
        format_value(middle),
        calibration.len(),
        format_value(least),
        format_value(most),
        format_value(50.0 * (most - least) / middle)
    )
}

/// `target/bench`, which is there afterwards.
pub fn output_directory() -> io::Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("bench");
    fs::create_dir_all(&path)?;
    Ok(path)
}
