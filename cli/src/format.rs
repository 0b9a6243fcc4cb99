//! Durations and numbers, as people read and write them.

use std::time::Duration;

/// Parses a duration with its unit, such as `500ms`, `10s`, `2m` or `1h`.
///
/// # Errors
///
/// If the text is not a positive number with one of these units.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: write a number with its unit, such as 500ms, 10s or 2m");
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let found = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = found.ok_or_else(wrong)?;
    // `f64` also parses `inf`, and numbers with a sign.
    let plain = number.starts_with(|c: char| c.is_ascii_digit());
    let number = number.parse::<f64>().ok().filter(|_| plain).ok_or_else(wrong)?;
    let time = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
    if time.is_zero() { Err(wrong()) } else { Ok(time) }
}

/// Returns a duration with three significant digits and a suitable unit.
pub fn duration(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (number, unit) = match nanos {
        _ if nanos < 1e3 => (nanos, "ns"),
        _ if nanos < 999.5e3 => (nanos / 1e3, "µs"),
        _ if nanos < 999.5e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    match number {
        _ if number >= 99.95 || unit == "ns" => format!("{number:.0} {unit}"),
        _ if number >= 9.995 => format!("{number:.1} {unit}"),
        _ => format!("{number:.2} {unit}"),
    }
}

/// Returns a number with a comma between groups of three digits.
pub fn integer(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        for (text, millis) in [("500ms", 500), ("10s", 10_000), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "10", "-1s", "+1s", "0s", "infs", "nans", "1 s", "1e400s", "1d", "ten s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_is_formatted_with_three_digits() {
        for (nanos, shown) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (123_456, "123 µs"),
            (999_600, "1.00 ms"),
            (9_996_000, "10.0 ms"),
            (1_234_000_000, "1.23 s"),
            (123_400_000_000, "123 s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), shown, "{nanos}");
        }
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(integer(number), shown);
        }
    }
}
