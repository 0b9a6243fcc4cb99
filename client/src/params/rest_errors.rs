//! Finds the parameter of the rest that caused an error.
//!
//! serde buffers the rest and reads it afterwards, so its error does not name the parameter.

use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{InvalidParams, MAX_BYTES_OF_REREAD, error_text};

/// The reason for a number that became an infinity.
pub(super) const OUT_OF_RANGE: &str = "number out of range";

/// Adds the name of the parameter of the rest that caused the error.
///
/// `read_first(n)` reads the message with the first `n` parameters of the rest and all parameters
/// in `named`, and returns its error. The rest is read in its order, so the same error appears from
/// one `n` on. A binary search finds the smallest such `n`: the cause is the last of these
/// parameters.
#[cold]
pub(super) fn find_param(
    mut invalid: InvalidParams,
    json: &str,
    named: &[&str],
    read_first: &dyn Fn(usize) -> Option<InvalidParams>,
) -> InvalidParams {
    let error = &mut *invalid.0;
    // Only errors of a single value. An error of all of them together comes from a check of the
    // service itself, and has another text.
    let of_one = ["expected ", OUT_OF_RANGE, "an integer of "].iter().any(|start| error.reason.starts_with(start));
    if !error.in_rest || !of_one || json.len() > MAX_BYTES_OF_REREAD {
        return invalid;
    }
    let Some(mut members) = members(json) else { return invalid };
    members.retain(|(name, _)| !named.contains(&name.as_str()));
    // An infinity was found in the message itself, so its name is known already.
    if let Some(param) = &error.param {
        if let Some((_, value)) = members.iter().find(|(name, _)| name == param) {
            error.reason = with_value(&error.reason, value.get());
        }
        return invalid;
    }
    let fails = |first: &usize| read_first(*first).is_some_and(|other| other.0.reason == error.reason);
    let numbers: Vec<_> = (0..=members.len()).collect();
    let smallest = numbers.partition_point(|first| !fails(first));
    let Some((name, value)) = smallest.checked_sub(1).and_then(|last| members.get(last)) else { return invalid };
    error.param = Some(error_text::shorten(name));
    error.reason = with_value(&error.reason, value.get());
    invalid
}

/// Returns the reason with the number as the caller sent it.
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
    format!("{expected}, got {}", error_text::shorten(value))
}

/// Returns the members of an object; nothing if the JSON is no object.
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
