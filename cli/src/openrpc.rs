//! The OpenRPC document of a server, as far as people read it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

/// The document. Members that begin with `x-` are extensions of callbox.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Document {
    pub(crate) info: Info,
    pub(crate) methods: Vec<Method>,
    #[serde(default)]
    pub(crate) components: Components,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Info {
    pub(crate) title: String,
    pub(crate) description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Components {
    #[serde(default)]
    pub(crate) schemas: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    /// Whether the method is deprecated.
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(default)]
    pub(crate) params: Vec<ContentDescriptor>,
    pub(crate) result: Option<ContentDescriptor>,
    #[serde(default)]
    pub(crate) errors: Vec<ErrorObject>,
    #[serde(rename = "x-access")]
    pub(crate) access: Option<String>,
    #[serde(rename = "x-scope")]
    pub(crate) scope: Option<String>,
    /// The schema of all other named parameters, if the method accepts any.
    #[serde(rename = "x-rest")]
    pub(crate) rest: Option<Value>,
    /// What a subscription sends, whose result is only its id.
    #[serde(rename = "x-subscription")]
    pub(crate) subscription: Option<Items>,
    #[serde(rename = "x-deadline-ms")]
    pub(crate) deadline_ms: Option<u64>,
    #[serde(rename = "x-mailbox")]
    pub(crate) mailbox: Option<Mailbox>,
}

/// A parameter, or the result.
#[derive(Debug, Deserialize)]
pub(crate) struct ContentDescriptor {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) schema: Value,
}

/// The items of a subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct Items {
    #[serde(default)]
    pub(crate) item: Value,
}

/// An error of the method itself.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorObject {
    pub(crate) code: Option<i64>,
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Mailbox {
    pub(crate) capacity: u64,
    pub(crate) group: Option<String>,
}

impl Method {
    /// Returns the type of the result in one line, with the items of a subscription in place of its
    /// id.
    pub(crate) fn result_type(&self) -> String {
        match (&self.subscription, &self.result) {
            (Some(items), _) => format!("subscription of {}", type_of(&items.item)),
            (None, Some(result)) => type_of(&result.schema),
            (None, None) => "nothing".to_owned(),
        }
    }
}

impl Document {
    /// Returns the schemas that the method refers to, directly and indirectly.
    pub(crate) fn referenced_schemas(&self, method: &Method) -> BTreeMap<&str, &Value> {
        let mut needed = BTreeMap::new();
        let contents = method.params.iter().chain(&method.result).map(|content| &content.schema);
        let items = method.subscription.iter().map(|items| &items.item);
        let mut pending: Vec<_> = contents.chain(&method.rest).chain(items).collect();
        while let Some(schema) = pending.pop() {
            for name in schema_references(schema) {
                if let Some((name, schema)) = self.components.schemas.get_key_value(&name)
                    && needed.insert(name.as_str(), schema).is_none()
                {
                    pending.push(schema);
                }
            }
        }
        needed
    }
}

fn schema_references(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![schema];
    while let Some(schema) = pending.pop() {
        match schema {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(name_of));
                pending.extend(members.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    found
}

/// Returns a schema as a type, in one line. Schemas may be nested to any depth; the line is cut.
pub(crate) fn type_of(schema: &Value) -> String {
    type_within(schema, 6)
}

fn type_within(schema: &Value, depth: usize) -> String {
    let Some(members) = schema.as_object() else { return "any".to_owned() };
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        return name_of(reference);
    }
    if let Some(only) = members.get("const") {
        return only.to_string();
    }
    if let Some(values) = members.get("enum").and_then(Value::as_array) {
        return any_of(values.iter().map(Value::to_string));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(schemas) = members.get(key).and_then(Value::as_array) {
            return any_of(schemas.iter().map(|schema| type_within(schema, depth)));
        }
    }
    match members.get("type") {
        Some(Value::String(name)) => named(name, schema, depth),
        Some(Value::Array(names)) => {
            any_of(names.iter().filter_map(Value::as_str).map(|name| named(name, schema, depth)))
        }
        _ => "any".to_owned(),
    }
}

/// Joins the alternatives of a type. If one of them is null, the others have a question mark.
fn any_of(types: impl Iterator<Item = String>) -> String {
    let (nulls, types): (Vec<_>, Vec<_>) = types.partition(|name| name == "null");
    match (types.as_slice(), nulls.is_empty()) {
        ([], _) => "null".to_owned(),
        (_, true) => types.join(" | "),
        ([only], false) => format!("{only}?"),
        (_, false) => format!("({})?", types.join(" | ")),
    }
}

fn named(name: &str, schema: &Value, depth: usize) -> String {
    match name {
        "array" => match &schema["items"] {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| type_within(item, depth)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(_) => format!("[{}]", type_within(&schema["items"], depth)),
            _ => "array".to_owned(),
        },
        "object" => match (&schema["properties"], &schema["additionalProperties"]) {
            (Value::Object(members), _) if !members.is_empty() => {
                let members = members.iter().map(|(name, member)| {
                    let optional = if is_required(schema, name) { "" } else { "?" };
                    format!("{name}{optional}: {}", type_within(member, depth))
                });
                format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
            }
            (_, more @ Value::Object(_)) => format!("{{string: {}}}", type_within(more, depth)),
            _ => "object".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
}

/// Returns the last part of a reference.
fn name_of(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    name.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_shown_as_a_type() {
        for (schema, expected) in [
            (json!({ "type": "string" }), "string"),
            (json!({ "type": ["integer", "null"] }), "integer?"),
            (json!({ "anyOf": [{ "$ref": "#/components/schemas/User" }, { "type": "null" }] }), "User?"),
            (json!({ "type": "array", "items": { "type": "number" } }), "[number]"),
            (json!({ "type": "array", "items": [{ "type": "string" }, { "type": "integer" }] }), "[string, integer]"),
            (json!({ "type": "object", "additionalProperties": { "type": "boolean" } }), "{string: boolean}"),
            (
                json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": true }, "required": ["a"] }),
                "{ a: string, b?: any }",
            ),
            (json!({ "enum": ["red", "green", null] }), r#"("red" | "green")?"#),
            (json!({ "oneOf": [{ "const": "x" }, { "type": "null" }] }), r#""x"?"#),
            (json!({ "type": "null" }), "null"),
            (json!({ "$ref": "#/components/schemas/Page%20of~1Users" }), "Page of/Users"),
            (json!(true), "any"),
            (json!({}), "any"),
        ] {
            assert_eq!(type_of(&schema), expected, "{schema}");
        }
        let deep = (0..50).fold(json!({}), |inner, _| json!({ "type": "array", "items": inner }));
        assert!(type_of(&deep).contains('…'));
    }

    #[test]
    fn schemas_are_found_through_circular_references() {
        let document: Document = serde_json::from_value(json!({
            "info": { "title": "x" },
            "methods": [{ "name": "m", "params": [{ "name": "a", "schema": { "$ref": "#/components/schemas/A" } }] }],
            "components": { "schemas": {
                "A": { "items": { "$ref": "#/components/schemas/B" } },
                "B": { "anyOf": [{ "$ref": "#/components/schemas/A" }] },
                "C": {},
            } },
        }))
        .unwrap();
        assert_eq!(document.referenced_schemas(&document.methods[0]).into_keys().collect::<Vec<_>>(), ["A", "B"]);
    }
}
