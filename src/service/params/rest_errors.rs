//! Which parameter among the rest is to blame.
//!
//! serde takes the rest in as it comes, reads it afterwards, and says of a mistake only what it is.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{InvalidParams, reason};

/// What is told of a number that became an infinity.
pub(super) const OUT_OF_RANGE: &str = "number out of range";

/// Parameters of more bytes than this are not read again to find the one to blame.
const MOST: usize = 16 * 1024;

/// The same mistake with the parameter that makes it: the last one of the first so many of the rest
/// that fail in the same way.
///
/// `read` says how the first so many fail, all others that are `beside` the rest being there. As the rest is read in its
/// order, they do from one number on.
#[cold]
pub(super) fn among_the_rest(
    mut invalid: InvalidParams,
    json: &str,
    beside: &[&str],
    read: &dyn Fn(usize) -> Option<InvalidParams>,
) -> InvalidParams {
    let blame = &mut *invalid.0;
    // Not a mistake of all of them together, which a check of the service's own tells.
    let of_one = ["expected ", OUT_OF_RANGE, "an integer of "].iter().any(|start| blame.reason.starts_with(start));
    if !blame.in_rest || !of_one || json.len() > MOST {
        return invalid;
    }
    let Some(mut members) = members(json) else { return invalid };
    members.retain(|(name, _)| !beside.contains(&name.as_str()));
    // What became an infinity is found in the message, with its name.
    if let Some(param) = &blame.param {
        if let Some((_, value)) = members.iter().find(|(name, _)| name == param) {
            blame.reason = with_value(&blame.reason, value.get());
        }
        return invalid;
    }
    let fails = |first: &usize| read(*first).is_some_and(|other| other.0.reason == blame.reason);
    let numbers: Vec<_> = (0..=members.len()).collect();
    let fewest = numbers.partition_point(|first| !fails(first));
    let Some((name, value)) = fewest.checked_sub(1).and_then(|last| members.get(last)) else { return invalid };
    blame.param = Some(reason::shorten(name));
    blame.reason = with_value(&blame.reason, value.get());
    invalid
}

/// The reason with a number as it was sent.
fn with_value(reason: &str, value: &str) -> String {
    if serde_json::from_str::<serde_json::Number>(value).is_err() {
        return reason.to_owned();
    }
    let expected = match reason.rsplit_once(", got ") {
        Some((expected, got)) if got.trim_end_matches('…').parse::<f64>().is_ok() => expected,
        Some(_) => return reason.to_owned(),
        None if reason == OUT_OF_RANGE => "expected a number in range",
        None => reason,
    };
    format!("{expected}, got {}", reason::shorten(value))
}

/// The members of an object.
pub(super) fn members(json: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((name, value)) = map.next_entry()? {
                members.push((name, value));
            }
            Ok(members)
        }
    }

    serde_json::Deserializer::from_str(json).deserialize_map(Members).ok()
}
