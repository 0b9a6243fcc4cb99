//! Example values for JSON schemas.

use serde_json::{Map, Value, json};

/// Maximum nesting depth of an example. Types may contain themselves.
const MAX_DEPTH: usize = 8;

/// Maximum number of items of a list, or of letters of a text.
const MAX_LENGTH: u64 = 20;

/// Makes examples for schemas that refer to these definitions.
#[derive(Debug)]
pub(super) struct SchemaExamples<'a> {
    definitions: &'a Map<String, Value>,
}

impl<'a> SchemaExamples<'a> {
    pub(super) fn new(definitions: &'a Map<String, Value>) -> Self {
        Self { definitions }
    }

    /// Returns a value that fits the schema. `None` if the schema has a constraint that is not
    /// supported here, such as a pattern.
    pub(super) fn of(&self, schema: &Value) -> Option<Value> {
        self.of_depth(schema, MAX_DEPTH)
    }

    fn of_depth(&self, schema: &Value, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let schema = match schema {
            Value::Bool(true) => return Some(json!({})),
            Value::Object(schema) => schema,
            _ => return None,
        };
        let first = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|values| values.first());
        let given = schema.get("default").or_else(|| schema.get("const")).or_else(|| first("examples"));
        if let Some(value) = given.or_else(|| first("enum")) {
            return Some(value.clone());
        }
        if ["not", "if", "contains", "multipleOf", "pattern", "minProperties", "dependencies"]
            .iter()
            .any(|name| schema.contains_key(*name))
        {
            return None;
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next()?.replace("~1", "/").replace("~0", "~");
            return self.of_depth(self.definitions.get(&name)?, depth);
        }
        match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            None => {}
            Some([one]) if !schema.contains_key("type") => return self.of_depth(one, depth),
            Some(_) => return None,
        }
        let choices = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
        // If the schema has a type as well, a choice describes only a part of the value.
        if let Some(choices) = choices {
            let is_whole = !schema.contains_key("type");
            return choices.iter().filter(|_| is_whole).find_map(|choice| self.of_depth(choice, depth));
        }
        match schema.get("type") {
            None => Some(json!({})),
            Some(Value::Array(kinds)) => kinds.iter().find_map(|kind| self.of_type(kind.as_str()?, schema, depth)),
            Some(kind) => self.of_type(kind.as_str()?, schema, depth),
        }
    }

    fn of_type(&self, kind: &str, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        match kind {
            "string" => text(schema),
            "integer" | "number" => number(schema),
            "boolean" => Some(json!(true)),
            "null" => Some(Value::Null),
            "array" => self.array(schema, depth),
            "object" => self.object(schema, depth),
            _ => None,
        }
    }

    fn array(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let min = count(schema, "minItems").unwrap_or(0);
        match schema.get("items") {
            _ if min == 0 => Some(json!([])),
            Some(Value::Array(each)) if each.len() as u64 == min => {
                each.iter().map(|item| self.of_depth(item, depth)).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            Some(Value::Array(_)) | None => None,
            Some(_) if min > MAX_LENGTH || (min > 1 && schema.contains_key("uniqueItems")) => None,
            Some(all) => {
                let item = self.of_depth(all, depth)?;
                Some((0..min).map(|_| item.clone()).collect())
            }
        }
    }

    fn object(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let required = schema.get("required").and_then(Value::as_array);
        let names = required.into_iter().flatten().filter_map(Value::as_str);
        let members = names.map(|name| {
            let member = schema.get("properties")?.get(name)?;
            Some((name.to_owned(), self.of_depth(member, depth)?))
        });
        members.collect::<Option<Map<_, _>>>().map(Value::Object)
    }
}

fn count(schema: &Map<String, Value>, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

fn text(schema: &Map<String, Value>) -> Option<Value> {
    if schema.contains_key("format") {
        return None;
    }
    let min = count(schema, "minLength").unwrap_or(0);
    let max = count(schema, "maxLength").unwrap_or(MAX_LENGTH).min(MAX_LENGTH);
    let length = usize::try_from(5.max(min).min(max)).ok()?;
    (min <= max).then(|| "world".chars().cycle().take(length).collect::<String>().into())
}

/// Returns 1, or the minimum or maximum if 1 is not allowed.
fn number(schema: &Map<String, Value>) -> Option<Value> {
    let bound = |name: &str| schema.get(name);
    let fits = |value: &Value| {
        let number = value.as_f64();
        let within = |name: &str, holds: fn(f64, f64) -> bool| {
            bound(name)
                .is_none_or(|bound| number.zip(bound.as_f64()).is_some_and(|(number, bound)| holds(number, bound)))
        };
        within("minimum", |number, min| number >= min)
            && within("maximum", |number, max| number <= max)
            && within("exclusiveMinimum", |number, min| number > min)
            && within("exclusiveMaximum", |number, max| number < max)
    };
    let one = json!(1);
    [Some(&one), bound("minimum"), bound("maximum")].into_iter().flatten().find(|value| fits(value)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(schema: &Value) -> Option<Value> {
        let definitions = json!({
            "Product": {
                "type": "object",
                "required": ["name", "price", "tags"],
                "properties": {
                    "name": { "type": "string" },
                    "price": { "type": "integer", "minimum": 5 },
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "note": { "type": "string" },
                },
            },
            "Endless": { "type": "object", "required": ["next"], "properties": { "next": { "$ref": "#/definitions/Endless" } } },
        });
        SchemaExamples::new(definitions.as_object().unwrap()).of(schema)
    }

    #[test]
    fn examples_fit_their_schema() {
        for (schema, expected) in [
            (json!(true), json!({})),
            (json!({ "type": "string" }), json!("world")),
            (json!({ "type": "string", "minLength": 1, "maxLength": 1 }), json!("w")),
            (json!({ "type": "string", "minLength": 7 }), json!("worldwo")),
            (json!({ "type": "string", "enum": ["north", "south"] }), json!("north")),
            (json!({ "type": ["integer", "null"] }), json!(1)),
            (json!({ "type": "integer", "minimum": 0, "maximum": 255 }), json!(1)),
            (json!({ "type": "integer", "minimum": 10 }), json!(10)),
            (json!({ "type": "integer", "maximum": -3 }), json!(-3)),
            (json!({ "type": "boolean" }), json!(true)),
            (json!({ "type": "array", "items": { "type": "string" } }), json!([])),
            (json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 }), json!([1, 1])),
            (
                json!({ "type": "array", "items": [{ "type": "string" }, { "type": "boolean" }], "minItems": 2 }),
                json!(["world", true]),
            ),
            (json!({ "$ref": "#/definitions/Product" }), json!({ "name": "world", "price": 5, "tags": [] })),
            (
                json!({ "allOf": [{ "$ref": "#/definitions/Product" }], "description": "what" }),
                json!({
                    "name": "world", "price": 5, "tags": [],
                }),
            ),
            (json!({ "oneOf": [{ "type": "string", "pattern": "^a" }, { "const": "b" }] }), json!("b")),
            (json!({ "type": "string", "format": "date", "examples": ["2026-11-28"] }), json!("2026-11-28")),
        ] {
            assert_eq!(example(&schema), Some(expected), "{schema}");
        }
    }

    #[test]
    fn a_schema_with_an_unsupported_constraint_has_no_example() {
        for schema in [
            json!(false),
            json!(null),
            json!({ "type": "string", "pattern": "^[a-z]{3}$" }),
            json!({ "type": "string", "format": "uuid" }),
            json!({ "type": "string", "minLength": 1000 }),
            json!({ "type": "integer", "multipleOf": 7 }),
            json!({ "type": "number", "exclusiveMinimum": 1 }),
            json!({ "type": "array", "items": { "format": "uuid", "type": "string" }, "minItems": 1 }),
            json!({ "type": "object", "required": ["a"], "properties": {} }),
            json!({ "type": "object", "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] }),
            json!({ "not": {} }),
            json!({ "$ref": "#/definitions/Endless" }),
            json!({ "$ref": "#/definitions/Lost" }),
        ] {
            assert_eq!(example(&schema), None, "{schema}");
        }
    }
}
