//! Rules for a document that the official validator does not check.

use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// All that is wrong with a document.
pub(crate) fn faults(text: &str) -> Vec<String> {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let mut faults = Vec::new();
    if let Err(error) = serde_json::from_str::<EachNameOnce>(text) {
        faults.push(error.to_string().split(" at line ").next().unwrap_or_default().to_owned());
    }
    methods(&document, &mut faults);
    let mut used = BTreeSet::new();
    everywhere(&document, "", &mut |at, object| {
        schema(&document, at, object, &mut faults);
        used.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
    });
    unused(&document, &used, &mut faults);
    faults
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn methods(document: &Value, faults: &mut Vec<String>) {
    twice("methods", list(document, "methods").map(|method| &method["name"]), faults);
    for method in list(document, "methods") {
        let name = method["name"].as_str().unwrap_or_default();
        twice(&format!("parameters of {name}"), list(method, "params").map(|param| &param["name"]), faults);
        twice(&format!("errors of {name}"), list(method, "errors").map(|error| &error["code"]), faults);
        let required = list(method, "params").map(|param| param["required"] == true);
        if !required.is_sorted_by(|before, after| before >= after) {
            faults.push(format!("a parameter of {name} is required behind one that is not"));
        }
    }
}

fn twice<'a>(what: &str, names: impl Iterator<Item = &'a Value>, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    faults.extend(
        names.filter(|name| !seen.insert(name.to_string())).map(|name| format!("two {what} are called {name}")),
    );
}

/// Visits every object of the document, with the pointer to it.
fn everywhere(value: &Value, at: &str, visit: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(at, object);
            object.iter().for_each(|(name, value)| everywhere(value, &format!("{at}/{name}"), visit));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| everywhere(value, &format!("{at}/{index}"), visit));
        }
        _ => {}
    }
}

/// What a schema of draft 7 does not say, and what a service never answers.
fn schema(document: &Value, at: &str, object: &serde_json::Map<String, Value>, faults: &mut Vec<String>) {
    if let Some(reference) = object.get("$ref") {
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        let pointer = pointer.and_then(|pointer| percent_decode_str(pointer).decode_utf8().ok());
        if pointer.and_then(|pointer| document.pointer(&pointer)).is_none() {
            faults.push(format!("{at} leads nowhere: {reference}"));
        }
        if object.len() > 1 {
            faults.push(format!("{at} says something beside its reference, which draft 7 does not read"));
        }
    }
    for later in ["prefixItems", "$defs", "dependentRequired", "unevaluatedProperties"] {
        if object.contains_key(later) {
            faults.push(format!("{at} has {later}, which is not in draft 7"));
        }
    }
    let properties = object.get("properties").and_then(Value::as_object);
    if properties.is_some_and(|properties| properties.contains_key("Ok") || properties.contains_key("Err")) {
        faults.push(format!("{at} is a Result"));
    }
}

fn unused(document: &Value, used: &BTreeSet<String>, faults: &mut Vec<String>) {
    let used: Vec<_> = used.iter().map(|reference| percent_decode_str(reference).decode_utf8_lossy()).collect();
    let used = |name: &String| used.iter().any(|reference| reference.ends_with(&format!("/{name}")));
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name);
    faults.extend(schemas.filter(|name| !used(name)).map(|name| format!("nothing leads to the schema {name}")));
}

/// Reads any JSON, unless an object has two members of one name, of which readers would keep only
/// one.
struct EachNameOnce;

impl<'de> Deserialize<'de> for EachNameOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for EachNameOnce {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some((name, Self)) = map.next_entry::<String, Self>()? {
            if let Some(name) = seen.replace(name) {
                return Err(serde::de::Error::custom(format_args!("two members are called {name}")));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

const SOUND: &str = r##"{
    "methods": [
        { "name": "add", "params": [{ "name": "a", "required": true, "schema": { "$ref": "#/components/schemas/A%3CB%3E" } },
            { "name": "b", "required": false, "schema": { "type": "array", "items": [{ "type": "null" }] } }],
          "errors": [{ "code": 1, "message": "one" }, { "code": 2, "message": "two" }] },
        { "name": "get", "params": [], "result": { "name": "result", "schema": true } }
    ],
    "components": { "schemas": { "A<B>": { "type": "object", "properties": { "ok": { "type": "null" } } } } }
}"##;

#[test]
fn each_check_finds_what_it_is_for_and_nothing_else() {
    assert_eq!(faults(SOUND), [""; 0]);
    for (from, to, found) in [
        (r#""name": "get""#, r#""name": "add""#, r#"two methods are called "add""#),
        (r#""name": "b""#, r#""name": "a""#, r#"two parameters of add are called "a""#),
        (r#""code": 2"#, r#""code": 1"#, "two errors of add are called 1"),
        (
            r#""type": "array", "items":"#,
            r#""type": "array", "prefixItems":"#,
            "/methods/0/params/1/schema has prefixItems, which is not in draft 7",
        ),
        (r#"{ "ok": {"#, r#"{ "Ok": {"#, "/components/schemas/A<B> is a Result"),
        (
            r#"%3CB%3E" }"#,
            r#"%3CB%3E", "default": 1 }"#,
            "/methods/0/params/0/schema says something beside its reference, which draft 7 does not read",
        ),
        (r#"{ "A<B>": {"#, r#"{ "C": {}, "A<B>": {"#, "nothing leads to the schema C"),
        (r#""schemas": { "#, r#""schemas": { "A<B>": true, "#, "two members are called A<B>"),
    ] {
        let document = SOUND.replacen(from, to, 1);
        assert_ne!(document, SOUND, "{from}");
        assert_eq!(faults(&document), [found], "{to}");
    }
}

#[test]
fn faults_that_only_come_together_are_found_too() {
    let required_last = SOUND
        .replacen(r#""name": "a", "required": true"#, r#""name": "a", "required": false"#, 1)
        .replacen(r#""name": "b", "required": false"#, r#""name": "b", "required": true"#, 1);
    assert_eq!(faults(&required_last), ["a parameter of add is required behind one that is not"]);
    let dangling = SOUND.replacen("A%3CB%3E", "Other", 1);
    assert_eq!(
        faults(&dangling),
        [
            r##"/methods/0/params/0/schema leads nowhere: "#/components/schemas/Other""##,
            "nothing leads to the schema A<B>",
        ]
    );
    assert!(faults("{")[0].starts_with("no JSON: "));
    let both_required = SOUND.replacen(r#""name": "b", "required": false"#, r#""name": "b", "required": true"#, 1);
    let none_required = SOUND.replacen(r#""name": "a", "required": true"#, r#""name": "a", "required": false"#, 1);
    assert_eq!([faults(&both_required), faults(&none_required)], [const { Vec::<String>::new() }; 2]);
}
