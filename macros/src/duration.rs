//! Durations as people write them: `250ms`, `1.5s`, `2m`.

const UNITS: [(&str, u64); 3] = [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];

/// The duration in nanoseconds, or what is wrong with it. What is finer than a nanosecond is cut off.
pub(crate) fn parse_nanos(text: &str) -> Result<u64, &'static str> {
    const WANTED: &str = "this is a number with one of the units `ms`, `s`, `m`: `250ms`, `1.5s`, `2m`";
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(WANTED)?;
    let (number, unit) = text.split_at(unit_at);
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(WANTED)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(WANTED);
    }
    let mut total = whole.parse().ok().and_then(|whole: u64| whole.checked_mul(nanos));
    let mut place = nanos;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.and_then(|total| total.checked_add(u64::from(digit - b'0') * place));
    }
    match total {
        Some(0) => Err("with no time at all, no call could be answered"),
        Some(total) => Ok(total),
        None => Err("this is too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_nanos;

    #[test]
    fn durations_are_read_to_the_nanosecond() {
        for (text, nanos) in [
            ("1ms", 1_000_000),
            ("2s", 2_000_000_000),
            ("3m", 180_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0.25m", 15_000_000_000),
            ("0.000001ms", 1),
        ] {
            assert_eq!(parse_nanos(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "2", "s", "2 s", "-2s", "2h", "2S", ".5s", "1.s", "1.5.5s", "0s", "0.0ms", "1e3s", "９s"] {
            assert!(parse_nanos(text).is_err(), "{text}");
        }
        assert_eq!(parse_nanos("99999999999999999999m"), Err("this is too long"));
        assert_eq!(parse_nanos("999999999999999999m"), Err("this is too long"));
    }
}
