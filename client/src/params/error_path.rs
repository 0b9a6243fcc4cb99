//! Adds to an error where in its parameter it is: `product.dimensions.width` instead of `product`.
//!
//! Calls that succeed pay nothing for this: the parameters of a call that failed are read a second
//! time, by a deserializer that keeps track of the path.

use std::cell::Cell;

use serde_path_to_error::{Path, Segment, Track};

use super::json_path::{self, Step};
use super::map_access::UnknownNames;
use super::{InvalidParams, Message, Params, error_text};

/// Maximum number of bytes that are read to find a value in the parameters. It bounds the work that
/// an invalid call can cause.
const MAX_BYTES_OF_SEARCH: usize = 1024 * 1024;

/// What serde says of a field, and what an error says whose path ends with that field.
const ABOUT_FIELDS: [(&str, &str); 3] =
    [("missing field `", "missing"), ("duplicate field `", "given twice"), ("unknown field `", "unknown")];

/// Reads a message and returns the path at which that failed.
pub(super) fn path_of_error<M: Message>(json: &str) -> Path {
    let (mut track, takes_rest) = (Track::new(), Cell::new(false));
    let (positions, unknown) = (M::PARAMS, UnknownNames::Reject);
    let params = Params { json, positions, filter: None, unknown, takes_rest: &takes_rest };
    // Its error is known already.
    let _ = M::deserialize(serde_path_to_error::Deserializer::new(params, &mut track));
    track.path()
}

/// Completes the name of a parameter to the path of the value that caused the error.
///
/// `path()` returns the path, and `read_again(json)` the error of other parameters.
pub(super) fn complete(
    mut invalid: InvalidParams,
    json: &str,
    positions: &[&str],
    path: &dyn Fn() -> Path,
    read_again: &dyn Fn(&str) -> Option<InvalidParams>,
) -> InvalidParams {
    let Some(param) = invalid.0.param.as_deref() else { return invalid };
    let mut steps = steps(&path());
    match steps.first() {
        Some(Step::Member(name)) if error_text::shorten(name) == param => {}
        // The error is about the parameter itself, or its path is complete.
        _ => return invalid,
    }
    if let Some((field, reason)) = about_field(&invalid.0.reason) {
        let field = Step::Member(field.to_owned());
        if steps.len() > 1 && steps.last() == Some(&field) && reason.starts_with("unknown") {
            steps.pop();
        }
        if belongs(&field, &invalid.0.reason, (json, positions), &steps, read_again) {
            steps.push(field);
            invalid.0.reason = reason;
        }
    }
    if let [Step::Member(name), within @ ..] = &steps[..] {
        invalid.0.param = Some(json_path::text(name, within));
    }
    invalid
}

/// Returns the steps of a path, as far as they are known. serde buffers tagged, untagged and
/// flattened types, so it ends at such a value.
fn steps(path: &Path) -> Vec<Step> {
    let known = path.iter().map_while(|segment| match segment {
        Segment::Seq { index } => Some(Step::Element(*index)),
        Segment::Map { key } | Segment::Enum { variant: key } => Some(Step::Member(key.clone())),
        Segment::Unknown => None,
    });
    // A message with a rest is read as a sequence of two parts.
    let mut steps: Vec<_> = known.collect();
    if let Some(Step::Element(_)) = steps.first() {
        steps.remove(0);
    }
    steps
}

/// Returns the field that an error of serde names, and the reason without it.
fn about_field(reason: &str) -> Option<(&str, String)> {
    ABOUT_FIELDS.iter().find_map(|(start, words)| {
        let (field, more) = reason.strip_prefix(start)?.split_once('`')?;
        (more.is_empty() || more.starts_with(", ")).then(|| (field, format!("{words}{more}")))
    })
}

/// Whether a field belongs to the object at this path. It does not if serde has buffered that
/// object, and the error is about an object deeper within it.
fn belongs(
    field: &Step,
    reason: &str,
    (json, positions): (&str, &[&str]),
    steps: &[Step],
    read_again: &dyn Fn(&str) -> Option<InvalidParams>,
) -> bool {
    let Step::Member(name) = field else { return false };
    // Each step reads what is below it.
    let is_small = json.len().saturating_mul(steps.len()) <= MAX_BYTES_OF_SEARCH;
    let object = if is_small { value_at(json, positions, steps) } else { None };
    let Some(object) = object.filter(|object| object.starts_with('{')) else { return false };
    let has_field = json_path::value_at(object, std::slice::from_ref(field)).is_some();
    if has_field || !reason.starts_with("missing") {
        return has_field;
    }
    // With the field, whatever its value, the error is another one.
    let Some(end) = json_path::offset(json, object).map(|start| start + object.len() - 1) else { return false };
    let (before, after) = json.split_at(end);
    let comma = if object[1..object.len() - 1].trim().is_empty() { "" } else { "," };
    let name = serde_json::Value::from(name.as_str());
    read_again(&format!("{before}{comma}{name}:null{after}")).is_none_or(|other| other.0.reason != reason)
}

/// Returns the value at a path that begins with the name of a parameter.
fn value_at<'a>(json: &'a str, positions: &[&str], steps: &[Step]) -> Option<&'a str> {
    let (Step::Member(param), within) = steps.split_first()? else { return None };
    let position = positions.iter().position(|name| name == param).map(Step::Element);
    let first = if json.starts_with('[') { position? } else { steps[0].clone() };
    json_path::value_at(json_path::value_at(json, &[first])?, within)
}

/// Names a missing parameter beside an unknown one, since a caller that sends the members of an
/// object in place of the object has made both mistakes.
///
/// `read_known()` reads the message without the unknown parameters, and returns its error.
pub(super) fn name_missing(
    mut invalid: InvalidParams,
    read_known: &dyn Fn() -> Option<InvalidParams>,
) -> InvalidParams {
    if invalid.0.reason == "unknown"
        && let Some(other) = read_known()
        && other.0.reason == "missing"
        && let Some(missing) = other.0.param
    {
        invalid.0.reason = format!("unknown, and `{missing}` is missing");
    }
    invalid
}
