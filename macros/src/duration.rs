//! Durations in attributes: `250ms`, `1.5s`, `2m`.

const UNITS: [(&str, u64); 3] = [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000)];

/// Parses a duration to nanoseconds, or returns what is wrong with it. Fractions of a nanosecond
/// are cut off.
pub(crate) fn parse_nanos(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected a number with the unit `ms`, `s` or `m`: `250ms`, `1.5s`, `2m`";
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(EXPECTED)?;
    let (number, unit) = text.split_at(unit_at);
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(EXPECTED)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(EXPECTED);
    }
    let mut total = whole.parse().ok().and_then(|whole: u64| whole.checked_mul(nanos));
    let mut place = nanos;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.and_then(|total| total.checked_add(u64::from(digit - b'0') * place));
    }
    match total {
        Some(0) => Err("the duration is zero: expected more than zero"),
        Some(total) => Ok(total),
        None => Err("the duration is too long: it has more nanoseconds than fit into 64 bits"),
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
    fn a_text_that_is_no_duration_is_an_error() {
        for text in ["", "2", "s", "2 s", "-2s", "2h", "2S", ".5s", "1.s", "1.5.5s", "0s", "0.0ms", "1e3s", "９s"] {
            assert!(parse_nanos(text).is_err(), "{text}");
        }
        assert_eq!(
            parse_nanos("99999999999999999999m"),
            Err("the duration is too long: it has more nanoseconds than fit into 64 bits")
        );
        assert_eq!(
            parse_nanos("999999999999999999m"),
            Err("the duration is too long: it has more nanoseconds than fit into 64 bits")
        );
    }
}
