//! What a schema demands of a value beyond its type, in words.

use serde_json::{Map, Value};

use super::super::text::one_line;

/// Formats that say nothing to callers: the range is in the schema as well.
const NUMBER_FORMATS: [&str; 14] = [
    "int", "int8", "int16", "int32", "int64", "int128", "uint", "uint8", "uint16", "uint32", "uint64", "uint128",
    "float", "double",
];

/// Returns a sentence for each rule of the schema.
pub(super) fn constraints(schema: &Map<String, Value>) -> Vec<String> {
    let mut facts = Vec::new();
    let get = |key: &str| schema.get(key).filter(|value| !value.is_null());
    facts.extend(range(get("minimum"), get("maximum"), ""));
    let above = get("exclusiveMinimum").filter(|value| value.is_number());
    facts.extend(above.map(|value| format!("Greater than {value}.")));
    let below = get("exclusiveMaximum").filter(|value| value.is_number());
    facts.extend(below.map(|value| format!("Less than {value}.")));
    facts.extend(get("multipleOf").map(|value| format!("A multiple of {value}.")));
    facts.extend(range(get("minLength"), get("maxLength"), " characters"));
    if !get("prefixItems").or_else(|| get("items")).is_some_and(Value::is_array) {
        facts.extend(range(get("minItems"), get("maxItems"), " items"));
    }
    facts.extend(range(get("minProperties"), get("maxProperties"), " members"));
    if get("uniqueItems") == Some(&Value::Bool(true)) {
        facts.push("No item twice.".to_owned());
    }
    facts.extend(get("pattern").and_then(Value::as_str).map(|pattern| format!("Matches `{pattern}`.")));
    let format = get("format").and_then(Value::as_str).filter(|format| !NUMBER_FORMATS.contains(format));
    facts.extend(format.map(|format| format!("Format: {format}.")));
    facts.extend(alternatives(schema));
    facts.extend(get("default").map(|value| format!("Default: `{value}`.")));
    facts
}

/// Returns what a range says; nothing if it is not limited.
fn range(least: Option<&Value>, most: Option<&Value>, unit: &str) -> Option<String> {
    Some(match (least, most) {
        (None, None) => return None,
        (Some(least), Some(most)) if least == most => format!("Exactly {least}{unit}."),
        (Some(least), Some(most)) => format!("From {least} to {most}{unit}."),
        (Some(least), None) => format!("At least {least}{unit}."),
        (None, Some(most)) => format!("At most {most}{unit}."),
    })
}

/// Returns the descriptions of the values of an enum.
fn alternatives(schema: &Map<String, Value>) -> Vec<String> {
    let all = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array());
    let described = all.into_iter().flatten().filter_map(|alternative| {
        let values = alternative.get("enum").and_then(Value::as_array).map(Vec::as_slice);
        let value = alternative.get("const").or(match values {
            Some([only]) => Some(only),
            _ => None,
        });
        let text = one_line(alternative.get("description")?.as_str()?);
        Some(format!("- `{}`: {text}", value?))
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_told_in_sentences() {
        for (schema, expected) in [
            (json!({ "minimum": 0, "maximum": 255, "format": "uint8" }), &["From 0 to 255."][..]),
            (json!({ "minimum": 0, "format": "uint64", "default": 3 }), &["At least 0.", "Default: `3`."]),
            (json!({ "exclusiveMinimum": 0, "multipleOf": 0.5 }), &["Greater than 0.", "A multiple of 0.5."]),
            (
                json!({ "minLength": 1, "maxLength": 8, "pattern": "^[a-z]+$" }),
                &["From 1 to 8 characters.", "Matches `^[a-z]+$`."],
            ),
            (json!({ "minItems": 3, "maxItems": 3, "uniqueItems": true }), &["Exactly 3 items.", "No item twice."]),
            (json!({ "items": [true, true], "minItems": 2, "maxItems": 2 }), &[]),
            (json!({ "format": "date-time" }), &["Format: date-time."]),
            (
                json!({ "oneOf": [{ "const": "red", "description": "Warm,\nas fire." }, { "const": "x" }] }),
                &["- `\"red\"`: Warm, as fire."],
            ),
            (json!({ "minimum": null, "default": null }), &[]),
        ] {
            assert_eq!(constraints(schema.as_object().unwrap()), expected, "{schema}");
        }
    }
}
