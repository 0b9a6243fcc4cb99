//! Paths to values in JSON, such as `items[3].price`.

use serde_json::value::RawValue;

use crate::rules::{MAX_PATH_BYTES, member_text};

use super::{error_text, rest_errors};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Element(usize),
}

/// Returns the path to a value within a parameter: `product.dimensions.width`, `items[3].price`.
///
/// A member whose name has other characters than letters, digits, `_` and `-` is written as a
/// string in brackets, `prices["green tea"]`, so that a path can be read again. The name of the
/// parameter itself stays as it is. A path that is too long ends before the step that does not fit.
pub(super) fn text(param: &str, steps: &[Step]) -> String {
    let mut path = error_text::shorten(param);
    for step in steps {
        let step = match step {
            Step::Element(index) => format!("[{index}]"),
            Step::Member(name) => member_text(name),
        };
        let dot = if step.starts_with('[') { "" } else { "." };
        if path.len() + dot.len() + step.len() > MAX_PATH_BYTES {
            break;
        }
        path.push_str(dot);
        path.push_str(&step);
    }
    path
}

/// Returns the path to the innermost value that contains the given part of the JSON.
pub(super) fn path_to(json: &str, part: &str) -> Vec<Step> {
    let (mut value, mut path) = (json, Vec::new());
    while let Some((step, inner)) = children(value).into_iter().find(|(_, child)| contains(child, part)) {
        path.push(step);
        value = inner;
    }
    path
}

/// Returns the value at a path, if there is one.
pub(super) fn value_at<'a>(json: &'a str, path: &[Step]) -> Option<&'a str> {
    path.iter().try_fold(json, |value, step| {
        let mut children = children(value).into_iter();
        children.find_map(|(found, child)| (found == *step).then_some(child))
    })
}

/// Returns the members or the elements of a value.
fn children(json: &str) -> Vec<(Step, &str)> {
    if json.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
        return elements.into_iter().enumerate().map(|(at, value)| (Step::Element(at), value.get())).collect();
    }
    let members = rest_errors::members(json).unwrap_or_default();
    members.into_iter().map(|(name, value)| (Step::Member(name), value.get())).collect()
}

/// Whether a part of the same text lies within another part.
fn contains(outer: &str, inner: &str) -> bool {
    let ends = |text: &str| (text.as_ptr() as usize, text.as_ptr() as usize + text.len());
    let ((from, to), (start, end)) = (ends(outer), ends(inner));
    from <= start && end <= to
}

/// Returns the place of a part in the text that contains it, in bytes.
pub(super) fn offset(json: &str, part: &str) -> Option<usize> {
    contains(json, part).then(|| part.as_ptr() as usize - json.as_ptr() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Step {
        Step::Member(name.to_owned())
    }

    #[test]
    fn a_path_is_written_so_that_it_can_be_read_again() {
        for (steps, expected) in [
            (vec![], "p"),
            (vec![member("dimensions"), member("width")], "p.dimensions.width"),
            (vec![Step::Element(3), member("price-2")], "p[3].price-2"),
            (vec![member("green tea"), member("größe")], "p[\"green tea\"].größe"),
            (vec![member("a.b"), member(""), member("\""), member("7")], r#"p["a.b"][""]["\""].7"#),
        ] {
            assert_eq!(text("p", &steps), expected);
        }
    }

    #[test]
    fn a_path_has_a_bounded_length() {
        let steps: Vec<_> = (0..100).map(|_| member("abcdefgh")).collect();
        let path = text(&"x".repeat(1000), &steps);
        assert!(
            path.len() <= MAX_PATH_BYTES
                && path.ends_with("….abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh"),
            "{path}"
        );
        assert_eq!(text("p", &[member(&"ж".repeat(1000))]), "p");
    }

    #[test]
    fn a_value_is_found_by_its_place_and_by_its_path() {
        let json = r#"{"a":1, "b" : [ {"c": 2}, {"\u0064": [3, 45]} ], "e":{"f":{}}}"#;
        let part = &json[json.find("45").unwrap()..][..2];
        let path = path_to(json, part);
        assert_eq!(path, [member("b"), Step::Element(1), member("d"), Step::Element(1)]);
        assert_eq!(value_at(json, &path), Some("45"));
        assert_eq!(value_at(json, &[member("e"), member("f")]), Some("{}"));
        assert_eq!(value_at(json, &[member("e"), Step::Element(0)]), None);
        assert_eq!(path_to(json, "elsewhere"), []);
        assert_eq!(offset(json, part), json.find("45"));
    }
}
