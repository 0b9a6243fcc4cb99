//! Instances in few characters.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Minimum number of characters of an id that are shown.
const MIN_ID_LENGTH: usize = 6;

/// Returns the number of characters that tell these ids apart.
pub(crate) fn short_length<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    let ids: BTreeSet<_> = ids.collect();
    let longest = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0);
    let are_different = |length: &usize| {
        let short: BTreeSet<_> = ids.iter().map(|id| shortened(id, *length)).collect();
        short.len() == ids.len()
    };
    (MIN_ID_LENGTH..longest).find(are_different).unwrap_or(longest)
}

/// Returns the first characters of an id.
pub(crate) fn shortened(id: &str, length: usize) -> String {
    id.chars().take(length).collect()
}

/// Returns the time since a moment in the form of RFC 3339, with one unit; `None` if it has another
/// form.
pub(crate) fn age(started: &str, now: OffsetDateTime) -> Option<String> {
    let started = OffsetDateTime::parse(started, &Rfc3339).ok()?;
    // The clocks of two machines differ.
    let age = Duration::try_from(now - started).unwrap_or_default().as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let found = units.into_iter().find(|(seconds, _)| age >= 2 * seconds);
    Some(found.map_or_else(|| format!("{age}s"), |(seconds, unit)| format!("{}{unit}", age / seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_short_as_they_can_be() {
        for (ids, expected) in [
            (&["a1b2c3d4", "ffffffff"][..], 6),
            (&["a1b2c3d4", "a1b2c3d4"], 6),
            (&["NUID00001", "NUID00002"], 9),
            (&["NUID0001x", "NUID0002x"], 8),
            (&["ab", "cd"], 2),
            (&[], 0),
        ] {
            assert_eq!(short_length(ids.iter().copied()), expected, "{ids:?}");
        }
        assert_eq!(shortened("größer", 3), "grö");
    }

    #[test]
    fn an_age_has_one_unit() {
        let now = OffsetDateTime::parse("2026-11-30T12:00:00Z", &Rfc3339).unwrap();
        for (started, expected) in [
            ("2026-11-30T11:59:01.5Z", Some("58s")),
            ("2026-11-30T11:58:01Z", Some("119s")),
            ("2026-11-30T11:30:00Z", Some("30m")),
            ("2026-11-30T07:00:00+02:00", Some("7h")),
            ("2026-11-20T12:00:00Z", Some("10d")),
            ("2026-11-30T12:00:09Z", Some("0s")),
            ("yesterday", None),
        ] {
            assert_eq!(age(started, now).as_deref(), expected, "{started}");
        }
    }
}
