//! JSON schemas as types.
//!
//! A schema says which values are valid, and a type can say only a part of that. The rest becomes
//! text in doc comments. A schema that no type fits is [`Type::Any`], with a comment that says why.

mod constraints;
mod endless;
mod literal;
mod object;
mod shape;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::document::{Document, name_in, pointer_in};
use super::model::{Body, Definition, Docs, Type};
use super::naming::{Scope, type_name};
use crate::Result;

use constraints::constraints;
use endless::forbid_endless_aliases;
use literal::literal;
use shape::{Shape, is_object_like};

/// Where OpenRPC keeps the schemas that have a name.
const SCHEMAS: &str = "/components/schemas";

/// Maximum depth of a schema. JSON is parsed down to 128 levels, but the parts of a schema can lead
/// back to it.
const MAX_DEPTH: usize = 100;

/// Members of a schema that do not change its type.
const ANNOTATIONS: [&str; 12] = [
    "$comment",
    "$id",
    "$schema",
    "default",
    "definitions",
    "$defs",
    "deprecated",
    "description",
    "example",
    "examples",
    "summary",
    "title",
];

/// Turns the schemas of one document into types.
pub(super) struct Schemas<'a> {
    document: &'a Document,
    /// The names of all types and errors.
    pub(super) scope: Scope,
    /// The names of schemas that have or need one, by the pointer to them.
    names: BTreeMap<String, String>,
    /// Pointers to all schemas that something refers to.
    referenced: BTreeSet<String>,
    /// Those whose definitions are still to be made.
    pending: VecDeque<(String, &'a Value)>,
    definitions: Vec<Definition>,
    /// The types of objects that have no name in the document, by the address of the schema: one
    /// schema can be a part of several others.
    objects: BTreeMap<*const Value, Type>,
    /// The number of schemas around the current one.
    depth: usize,
}

/// The place of a schema: what its errors say, and what its types are called.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What the schema belongs to, such as `the parameter user of users.add`.
    pub(super) at: &'a str,
    /// The name of a type that has none in the document.
    pub(super) name: &'a str,
}

impl<'a> Schemas<'a> {
    /// Gives the schemas of the document their names first: they are what readers know.
    pub(super) fn new(document: &'a Document) -> Self {
        let (mut scope, mut names) = (Scope::of_types(), BTreeMap::new());
        for (name, _) in document.members(SCHEMAS) {
            let pointer = format!("{SCHEMAS}/{}", name.replace('~', "~0").replace('/', "~1"));
            names.insert(pointer, scope.numbered(&type_name(name)));
        }
        Self {
            document,
            scope,
            names,
            referenced: BTreeSet::new(),
            pending: VecDeque::new(),
            definitions: Vec::new(),
            objects: BTreeMap::new(),
            depth: 0,
        }
    }

    /// Returns all types that have a name, sorted by name.
    pub(super) fn into_definitions(mut self) -> Vec<Definition> {
        self.definitions.sort_by(|a, b| a.name.cmp(&b.name));
        forbid_endless_aliases(&mut self.definitions);
        self.definitions
    }

    /// Returns the type of a schema. Everything that it cannot express is added to `docs`.
    pub(super) fn ty(&mut self, schema: &'a Value, place: Place<'_>, docs: &mut Docs) -> Result<Type> {
        if let Some(members) = schema.as_object() {
            let text = members.get("description").or(members.get("title")).and_then(Value::as_str);
            docs.text = docs.text.take().or(text.map(str::to_owned));
            docs.deprecated |= members.get("deprecated") == Some(&Value::Bool(true));
            docs.facts.extend(constraints(members));
        }
        let ty = self.bare_type(schema, place, &mut docs.facts)?;
        self.finish()?;
        Ok(ty)
    }

    /// Makes the definitions of the schemas to which others have referred.
    pub(super) fn finish(&mut self) -> Result<()> {
        while let Some((name, schema)) = self.pending.pop_front() {
            let at = format!("the schema {name}");
            let mut docs = Docs::default();
            if let Some(members) = schema.as_object() {
                docs.text = members.get("description").and_then(Value::as_str).map(str::to_owned);
                docs.deprecated = members.get("deprecated") == Some(&Value::Bool(true));
                docs.facts = constraints(members);
            }
            let place = Place { at: &at, name: &name };
            let body = match self.shapes(schema, place)?.as_deref() {
                Some([shape]) if shape.has_members() && !is_nullable(schema) => {
                    Body::Object(self.object(shape, place)?)
                }
                _ => Body::Alias(self.bare_type(schema, place, &mut docs.facts)?),
            };
            self.definitions.push(Definition { name, docs, body });
        }
        Ok(())
    }

    /// Returns the type of a schema. `facts` gets the reasons why a part of it may be any value.
    fn bare_type(&mut self, schema: &'a Value, place: Place<'_>, facts: &mut Vec<String>) -> Result<Type> {
        let members = match schema {
            Value::Bool(true) | Value::Null => return Ok(Type::Any),
            Value::Bool(false) => return Ok(Type::Never),
            Value::Object(members) => members,
            other => return Err(format!("{} has the schema {other}: a schema is an object, true or false", place.at)),
        };
        if self.depth == MAX_DEPTH {
            facts.push("Of any type here: the schema is nested too deeply.".to_owned());
            return Ok(Type::Any);
        }
        self.depth += 1;
        let ty = self.type_of_members(schema, members, place, facts);
        self.depth -= 1;
        let ty = ty?;
        Ok(if is_nullable(schema) { ty.or_null() } else { ty })
    }

    fn type_of_members(
        &mut self,
        schema: &'a Value,
        members: &'a Map<String, Value>,
        place: Place<'_>,
        facts: &mut Vec<String>,
    ) -> Result<Type> {
        let is_alone = |key: &str| members.keys().all(|other| other == key || ANNOTATIONS.contains(&other.as_str()));
        if let Some(reference) = members.get("$ref").and_then(Value::as_str)
            && (is_alone("$ref") || !reference.starts_with('#'))
        {
            return self.reference(reference, place, facts);
        }
        if let Some(value) = members.get("const") {
            return Ok(literal(value, facts));
        }
        if let Some(values) = members.get("enum").and_then(Value::as_array) {
            return Ok(Type::any_of(values.iter().map(|value| literal(value, facts))));
        }
        if let Some([only]) = members.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
            && is_alone("allOf")
        {
            return self.bare_type(only, place, facts);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(schemas) = members.get(key).and_then(Value::as_array)
                && !members.contains_key("properties")
                && !members.contains_key("allOf")
                && !members.contains_key("$ref")
            {
                return self.union(schemas, place, facts);
            }
        }
        if is_object_like(members) {
            return self.object_type(schema, place, facts);
        }
        if ["allOf", "$ref"].iter().any(|key| members.contains_key(*key)) {
            facts.push("Of any type here: the schema is a combination that no type expresses.".to_owned());
            return Ok(Type::Any);
        }
        match members.get("type") {
            None if ["items", "prefixItems"].iter().any(|key| members.contains_key(*key)) => {
                self.array(members, place, facts)
            }
            None => {
                if let Some(key) = members.keys().find(|key| ["not", "if"].contains(&key.as_str())) {
                    facts.push(format!("Of any type here: no type expresses `{key}` of the schema."));
                }
                Ok(Type::Any)
            }
            Some(Value::String(name)) => self.named_type(name, members, place, facts),
            Some(Value::Array(names)) => {
                let types = names.iter().filter_map(Value::as_str);
                let types = types.map(|name| self.named_type(name, members, place, facts)).collect::<Result<Vec<_>>>();
                Ok(Type::any_of(types?))
            }
            Some(other) => Err(format!("{} has a schema of the type {other}: a type is a string or a list", place.at)),
        }
    }

    /// Returns the type of values of one of the types that JSON Schema knows.
    fn named_type(
        &mut self,
        name: &str,
        members: &'a Map<String, Value>,
        place: Place<'_>,
        facts: &mut Vec<String>,
    ) -> Result<Type> {
        Ok(match name {
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            "null" => Type::Null,
            "array" => self.array(members, place, facts)?,
            "object" => {
                let shape = Shape::of_members(members);
                let name = shape.has_members().then(|| self.scope.numbered(&type_name(place.name)));
                self.shape_type(&shape, name, place)?
            }
            other => {
                facts.push(format!("Of any type here: JSON Schema has no type `{other}`."));
                Type::Any
            }
        })
    }

    fn reference(&mut self, reference: &str, place: Place<'_>, facts: &mut Vec<String>) -> Result<Type> {
        let Some(pointer) = pointer_in(reference) else {
            facts.push(format!("Of any type here: the schema is in another document, `{reference}`."));
            return Ok(Type::Any);
        };
        let schema = self.document.find(reference, place.at)?;
        let scope = &mut self.scope;
        let name = self.names.entry(pointer.clone()).or_insert_with(|| scope.numbered(&type_name(&name_in(&pointer))));
        if self.referenced.insert(pointer) {
            self.pending.push_back((name.clone(), schema));
        }
        Ok(Type::Named(name.clone()))
    }

    fn union(&mut self, schemas: &'a [Value], place: Place<'_>, facts: &mut Vec<String>) -> Result<Type> {
        let mut types = Vec::new();
        for (index, schema) in schemas.iter().enumerate() {
            let suffix = shape::alternative_name(schema).unwrap_or_else(|| (index + 1).to_string());
            let name = if schemas.len() == 1 || shape::is_null_or(schemas) {
                place.name.to_owned()
            } else {
                format!("{}{suffix}", place.name)
            };
            types.push(self.bare_type(schema, Place { name: &name, ..place }, facts)?);
        }
        Ok(Type::any_of(types))
    }

    fn array(&mut self, members: &'a Map<String, Value>, place: Place<'_>, facts: &mut Vec<String>) -> Result<Type> {
        let name = format!("{}Item", place.name);
        let item = Place { name: &name, ..place };
        // Draft 2020-12 calls the places `prefixItems`, and all behind them `items`.
        let (places, more) = match (members.get("prefixItems"), members.get("items")) {
            (Some(Value::Array(places)), more) => (places, more),
            (_, Some(Value::Array(places))) => (places, members.get("additionalItems")),
            (_, items) => {
                let ty = items.map_or(Ok(Type::Any), |items| self.bare_type(items, item, facts));
                return Ok(Type::List(Box::new(ty?)));
            }
        };
        let types = places.iter().enumerate().map(|(index, schema)| {
            let name = format!("{}{}", item.name, index + 1);
            self.bare_type(schema, Place { name: &name, ..place }, facts)
        });
        let types = types.collect::<Result<Vec<_>>>()?;
        let is_closed = members.get("maxItems").and_then(Value::as_u64).is_some_and(|most| most <= types.len() as u64);
        let more = match more {
            _ if is_closed => None,
            Some(Value::Bool(false)) => None,
            // As serde writes tuples. Without a rule the array may be longer, which no client needs
            // to know.
            None => None,
            Some(more) => Some(Box::new(self.bare_type(more, item, facts)?)),
        };
        Ok(Type::Tuple(types, more))
    }

    fn shapes(&self, schema: &'a Value, place: Place<'_>) -> Result<Option<Vec<Shape<'a>>>> {
        shape::shapes(self.document, schema, place.at, 0)
    }
}

/// Whether a schema adds null to its type, as in OpenAPI 3.0, from which some documents are made.
fn is_nullable(schema: &Value) -> bool {
    schema.get("nullable") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests;
