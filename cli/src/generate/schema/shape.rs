//! Schemas of objects: what `allOf`, `oneOf` and references add to each other.
//!
//! serde's `flatten` and its tagged enums become schemas with properties beside `allOf`, `oneOf` or
//! a reference. Languages without such combinations can still express them as one object for each
//! alternative, with the members of all parts.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::document::Document;
use super::super::naming::{identifier, type_name};
use crate::Result;

/// Maximum number of alternatives that one schema may become. Several flattened enums multiply.
const MAX_SHAPES: usize = 64;

/// Maximum depth of references and combinations.
const MAX_DEPTH: usize = 32;

/// One object: its members, in no particular language.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'a> {
    /// Sorted by name within each part of the schema.
    pub(super) properties: Vec<(&'a str, &'a Value)>,
    pub(super) required: BTreeSet<&'a str>,
    /// Schemas of the members that are not listed.
    pub(super) more: Vec<&'a Value>,
    /// Whether the schema excludes members that are not listed.
    pub(super) is_closed: bool,
    /// The name of the alternative, if it is one.
    pub(super) tag: Option<String>,
    pub(super) description: Option<&'a str>,
}

impl<'a> Shape<'a> {
    /// Returns the members that the schema itself lists.
    pub(super) fn of_members(members: &'a Map<String, Value>) -> Self {
        let properties = members.get("properties").and_then(Value::as_object).into_iter().flatten();
        let required = members.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut shape = Self {
            properties: properties.map(|(name, schema)| (name.as_str(), schema)).collect(),
            required: required.filter_map(Value::as_str).collect(),
            description: members.get("description").and_then(Value::as_str),
            ..Self::default()
        };
        // A name that is required and has no schema may have any value.
        for name in shape.required.clone() {
            if !shape.properties.iter().any(|(known, _)| *known == name) && members.contains_key("properties") {
                shape.properties.push((name, &Value::Bool(true)));
            }
        }
        let patterns = members.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        shape.more.extend(patterns.map(|(_, schema)| schema));
        for key in ["additionalProperties", "unevaluatedProperties"] {
            match members.get(key) {
                Some(Value::Bool(false)) => shape.is_closed = true,
                Some(schema) => shape.more.push(schema),
                None => {}
            }
        }
        shape
    }

    pub(super) fn has_members(&self) -> bool {
        !self.properties.is_empty()
    }

    /// Adds the members of another part of the same schema.
    fn with(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (name, schema) in &other.properties {
            match all.properties.iter_mut().find(|(known, _)| known == name) {
                None => all.properties.push((*name, *schema)),
                // The tag of a variant is more precise than the string that the tag is in general.
                Some((_, known)) if is_fixed(schema) || **known == Value::Bool(true) => *known = *schema,
                Some(_) => {}
            }
        }
        all.required.extend(&other.required);
        all.more.extend(&other.more);
        all.is_closed |= other.is_closed;
        all.tag = match (&self.tag, &other.tag) {
            (Some(first), Some(second)) => Some(format!("{first}{second}")),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        all.description = other.description.filter(|_| other.tag.is_some()).or(self.description);
        all
    }
}

/// Whether the schema is that of an object, also without saying so.
pub(super) fn is_object_like(members: &Map<String, Value>) -> bool {
    let has = |key: &str| members.contains_key(key);
    let is_object = members.get("type").is_none_or(|ty| ty == "object");
    is_object
        && (has("type")
            || ["properties", "additionalProperties", "patternProperties", "required", "allOf", "$ref"]
                .iter()
                .any(|key| has(key)))
}

/// Returns the objects of which a value is one. Nothing if the schema is not only for objects, or
/// has too many of them.
///
/// # Errors
/// If a reference leads nowhere.
pub(super) fn shapes<'a>(
    document: &'a Document,
    schema: &'a Value,
    at: &str,
    depth: usize,
) -> Result<Option<Vec<Shape<'a>>>> {
    let members = match schema {
        Value::Bool(true) => return Ok(Some(vec![Shape::default()])),
        Value::Object(members) if members.is_empty() => return Ok(Some(vec![Shape::default()])),
        Value::Object(members) if depth < MAX_DEPTH => members,
        _ => return Ok(None),
    };
    let is_union = ["oneOf", "anyOf"].iter().any(|key| members.contains_key(*key));
    if !is_object_like(members) && (!is_union || members.contains_key("type")) {
        return Ok(None);
    }
    let mut all = vec![Shape::of_members(members)];
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        if !reference.starts_with('#') {
            return Ok(None);
        }
        let part = document.find(reference, at)?;
        let Some(part) = shapes(document, part, at, depth + 1)? else { return Ok(None) };
        all = product(&all, &part);
    }
    for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let Some(part) = shapes(document, part, at, depth + 1)? else { return Ok(None) };
        all = product(&all, &part);
        if all.len() > MAX_SHAPES {
            return Ok(None);
        }
    }
    for key in ["oneOf", "anyOf"] {
        let Some(alternatives) = members.get(key).and_then(Value::as_array) else { continue };
        let mut any = Vec::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let Some(mut part) = shapes(document, alternative, at, depth + 1)? else { return Ok(None) };
            for shape in &mut part {
                let name = alternative_name(alternative).unwrap_or_else(|| (index + 1).to_string());
                shape.tag = shape.tag.take().or(Some(name));
            }
            any.extend(part);
        }
        all = product(&all, &any);
        if all.len() > MAX_SHAPES {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

fn product<'a>(all: &[Shape<'a>], part: &[Shape<'a>]) -> Vec<Shape<'a>> {
    all.iter().flat_map(|shape| part.iter().map(|other| shape.with(other))).take(MAX_SHAPES + 1).collect()
}

/// Whether the schema has one value only.
fn is_fixed(schema: &Value) -> bool {
    fixed_text(schema).is_some()
}

fn fixed_text(schema: &Value) -> Option<&str> {
    let only = schema.get("const").or_else(|| match schema.get("enum")?.as_array()?.as_slice() {
        [only] => Some(only),
        _ => None,
    });
    only.and_then(Value::as_str)
}

/// Returns the name of an alternative of a union: that of its tag, or of its only member.
pub(super) fn alternative_name(schema: &Value) -> Option<String> {
    let name = |text: &str| type_name(&identifier(text));
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        return Some(name(title));
    }
    let properties = schema.get("properties")?.as_object()?;
    let tag = properties.values().find_map(fixed_text);
    let only = || if properties.len() == 1 { properties.keys().next().map(String::as_str) } else { None };
    tag.or_else(only).map(name)
}

/// Whether these are the schemas of an optional value: one, and null.
pub(super) fn is_null_or(schemas: &[Value]) -> bool {
    schemas.len() == 2 && schemas.iter().any(|schema| schema.get("type").is_some_and(|ty| ty == "null"))
}
