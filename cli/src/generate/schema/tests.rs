//! Schemas, and the types that they become.

use serde_json::{Value, json};

use super::super::model::{Literal, Member};
use super::*;

/// Returns a type as text, and the definitions that it needs.
fn lower(schema: &Value, schemas: &Value) -> Result<(Type, Docs, Vec<Definition>)> {
    let document = json!({
        "openrpc": "1.3.2",
        "methods": [{ "name": "m", "params": [], "schema": schema }],
        "components": { "schemas": schemas },
    });
    let document = Document::parse(&document.to_string())?;
    let mut schemas = Schemas::new(&document);
    let mut docs = Docs::default();
    let schema = document.find("#/methods/0/schema", "m")?;
    let ty = schemas.ty(schema, Place { at: "the result of m", name: "Own" }, &mut docs)?;
    Ok((ty, docs, schemas.into_definitions()))
}

fn ty(schema: &Value) -> Type {
    lower(schema, &json!({})).unwrap().0
}

fn text(text: &str) -> Type {
    Type::Literal(Literal::String(text.to_owned()))
}

fn named(name: &str) -> Type {
    Type::Named(name.to_owned())
}

/// The members of a definition, as `name: …` or `name?: …`.
fn members(definitions: &[Definition], name: &str) -> Vec<String> {
    let found = definitions.iter().find(|definition| definition.name == name);
    let Some(Definition { body: Body::Object(object), .. }) = found else {
        panic!("no object {name}: {definitions:#?}")
    };
    let member =
        |member: &Member| format!("{}{}: {:?}", member.name, if member.required { "" } else { "?" }, member.ty);
    object.members.iter().map(member).collect()
}

#[test]
fn each_kind_of_schema_has_its_type() {
    use Type::{Any, Boolean, Integer, Never, Null, Number, String};
    let list = |item| Type::List(Box::new(item));
    let map = |value| Type::Map(Box::new(value));
    for (schema, expected) in [
        (json!({ "type": "string", "format": "uuid" }), String),
        (json!({ "type": ["integer", "null"] }), Integer.or_null()),
        (json!({ "anyOf": [{ "type": "null" }, { "type": "number" }] }), Number.or_null()),
        (json!({ "type": "boolean", "nullable": true }), Boolean.or_null()),
        (json!({ "enum": ["a", "b", null] }), Type::any_of([text("a"), text("b"), Null])),
        (json!({ "const": 1 }), Type::Literal(Literal::Integer(1))),
        (json!({ "const": 1.5 }), Number),
        (json!({ "const": [1] }), Any),
        (
            json!({ "oneOf": [{ "const": "a" }, { "enum": ["b"], "type": "string" }] }),
            Type::any_of([text("a"), text("b")]),
        ),
        (json!({ "allOf": [{ "type": "string" }], "description": "x", "default": "y" }), String),
        (json!({ "type": "array", "items": { "type": "string" }, "minItems": 2 }), list(String)),
        (json!({ "items": { "type": "string" } }), list(String)),
        (json!({ "type": "array" }), list(Any)),
        (json!({ "type": "array", "items": [{ "type": "string" }, true] }), Type::Tuple(vec![String, Any], None)),
        (
            json!({ "type": "array", "prefixItems": [{ "type": "string" }], "items": { "type": "null" } }),
            Type::Tuple(vec![String], Some(Box::new(Null))),
        ),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": true, "maxItems": 1 }),
            Type::Tuple(vec![String], None),
        ),
        (json!({ "type": "object", "additionalProperties": { "type": "boolean" } }), map(Boolean)),
        (json!({ "type": "object" }), map(Any)),
        (json!({ "type": "object", "additionalProperties": false }), map(Never)),
        (
            json!({ "type": "object", "additionalProperties": false, "patternProperties": { "^\\d+$": { "type": "string" } } }),
            map(String),
        ),
        (json!({ "type": ["object", "string"] }), Type::any_of([map(Any), String])),
        (json!(true), Any),
        (json!(false), Never),
        (json!({}), Any),
        (json!({ "not": { "type": "null" } }), Any),
        (json!({ "type": "file" }), Any),
        (json!({ "$ref": "https://example.org/x.json" }), Any),
        (json!({ "allOf": [{ "type": "string" }, { "minLength": 1 }] }), Any),
    ] {
        assert_eq!(ty(&schema), expected, "{schema}");
    }
}

#[test]
fn a_schema_that_no_type_expresses_says_so() {
    for (schema, expected) in [
        (json!({ "not": { "type": "null" } }), "`not`"),
        (json!({ "type": "file" }), "no type `file`"),
        (json!({ "$ref": "other.json#/x" }), "another document, `other.json#/x`"),
        (json!({ "const": { "a": 1 } }), r#"the value is `{"a":1}`"#),
        (json!({ "type": "array", "items": { "type": "file" } }), "no type `file`"),
        (json!({ "allOf": [{ "type": "string" }, { "minLength": 1 }] }), "a combination"),
    ] {
        let facts = lower(&schema, &json!({})).unwrap().1.facts.join(" ");
        assert!(facts.contains("Of any type here: ") && facts.contains(expected), "{schema}: {facts}");
    }
}

#[test]
fn objects_get_names_from_where_they_stand() {
    let inner = json!({ "type": "object", "properties": { "b": { "type": "null" } } });
    let schema = json!({ "type": "object", "properties": { "a": { "type": "array", "items": inner }, "c": {} }, "required": ["c", "d"] });
    let (ty, _, definitions) = lower(&schema, &json!({})).unwrap();
    assert_eq!(ty, named("Own"));
    assert_eq!(members(&definitions, "Own"), [r#"a?: List(Named("OwnAItem"))"#, "c: Any", "d: Any"]);
    assert_eq!(members(&definitions, "OwnAItem"), ["b?: Null"]);
}

#[test]
fn a_definition_keeps_its_name_and_is_made_once() {
    let schemas = json!({
        "Own": { "type": "string" },
        "Page<User>": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Page%3CUser%3E" } } },
        "unused": { "type": "string" },
    });
    let page = json!({ "$ref": "#/components/schemas/Page%3CUser%3E" });
    let schema = json!({ "type": "object", "properties": { "a": page, "b": page } });
    let (ty, _, definitions) = lower(&schema, &schemas).unwrap();
    assert_eq!(ty, named("Own2"));
    assert_eq!(definitions.iter().map(|definition| definition.name.as_str()).collect::<Vec<_>>(), ["Own2", "PageUser"]);
    assert_eq!(members(&definitions, "PageUser"), [r#"next?: Named("PageUser")"#]);
}

#[test]
fn a_definition_that_is_nullable_is_null_as_well() {
    let user = json!({ "type": "object", "nullable": true, "properties": { "name": { "type": "string" } } });
    let schemas = json!({ "User": user });
    let (ty, _, definitions) = lower(&json!({ "$ref": "#/components/schemas/User" }), &schemas).unwrap();
    assert_eq!(ty, named("User"));
    let found = definitions.iter().find(|definition| definition.name == "User").unwrap();
    assert_eq!(found.body, Body::Alias(named("User2").or_null()));
    assert_eq!(members(&definitions, "User2"), ["name?: String"]);
}

#[test]
fn flattened_and_tagged_types_become_one_object_for_each_alternative() {
    let point = json!({ "type": "object", "properties": { "x": { "type": "number" } }, "required": ["x"] });
    let schemas = json!({ "Point": point });
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "kind": { "type": "string" } },
        "required": ["name"],
        "allOf": [{ "$ref": "#/components/schemas/Point" }],
        "oneOf": [
            { "properties": { "kind": { "const": "in" } }, "required": ["kind"], "type": "object" },
            { "properties": { "kind": { "const": "out" }, "by": {} }, "required": ["kind"], "type": "object" },
        ],
    });
    let (ty, _, definitions) = lower(&schema, &schemas).unwrap();
    assert_eq!(ty, Type::any_of([named("OwnIn"), named("OwnOut")]));
    let members = |name| members(&definitions, name).join(", ");
    assert_eq!(members("OwnIn"), r#"kind: Literal(String("in")), name: String, x: Number"#);
    assert_eq!(members("OwnOut"), r#"kind: Literal(String("out")), name: String, x: Number, by?: Any"#);
}

#[test]
fn combinations_that_multiply_or_refer_to_themselves_end() {
    let choice = |name: &str| {
        let alternative = |value: u8| json!({ "type": "object", "properties": { format!("{name}{value}"): {} } });
        json!({ "oneOf": (0..10).map(alternative).collect::<Vec<_>>() })
    };
    let schema = json!({ "type": "object", "allOf": [choice("a"), choice("b")] });
    assert_eq!(ty(&schema), Type::Any);
    let schemas = json!({
        "Endless": { "allOf": [{ "$ref": "#/components/schemas/Endless" }, { "type": "object", "properties": { "a": {} } }] },
        "Alias": { "anyOf": [{ "$ref": "#/components/schemas/Other" }, { "type": "null" }] },
        "Other": { "$ref": "#/components/schemas/Alias" },
        "Tree": { "anyOf": [{ "type": "array", "items": { "$ref": "#/components/schemas/Tree" } }, { "type": "null" }] },
    });
    for (name, expected) in [("Endless", "Any"), ("Alias", "Any"), ("Tree", r#"Union([List(Named("Tree")), Null])"#)] {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let (ty, _, definitions) = lower(&schema, &schemas).unwrap();
        assert_eq!(ty, named(name));
        let found = definitions.iter().find(|definition| definition.name == name).unwrap();
        assert!(matches!(&found.body, Body::Alias(ty) if format!("{ty:?}") == expected), "{found:?}");
    }
}

#[test]
fn an_object_that_leads_back_to_itself_by_its_parts_is_one_type() {
    let schemas = json!({
        "User": {
            "type": "object",
            "properties": { "by": { "allOf": [{ "$ref": "#/components/schemas/User" }, { "type": "object" }] } },
        },
        "Maps": {
            "type": "object",
            "additionalProperties": { "allOf": [{ "$ref": "#/components/schemas/Maps" }, { "type": "object" }] },
        },
    });
    let lower = |name: &str| lower(&json!({ "$ref": format!("#/components/schemas/{name}") }), &schemas).unwrap().2;
    let definitions = lower("User");
    assert_eq!(members(&definitions, "User"), [r#"by?: Named("UserBy")"#]);
    assert_eq!(members(&definitions, "UserBy"), [r#"by?: Named("UserBy")"#]);
    assert_eq!(lower("Maps").len(), 1);
}

#[test]
fn what_is_no_schema_is_an_error_that_says_where() {
    let error = lower(&json!({ "type": "array", "items": 3 }), &json!({})).unwrap_err();
    assert_eq!(error, "the result of m has the schema 3: a schema is an object, true or false");
    let error = lower(&json!({ "type": 3 }), &json!({})).unwrap_err();
    assert_eq!(error, "the result of m has a schema of the type 3: a type is a string or a list");
    let error = lower(&json!({ "$ref": "#/components/schemas/X" }), &json!({})).unwrap_err();
    assert!(error.starts_with("the result of m refers to #/components/schemas/X, which the document does not have"));
}
