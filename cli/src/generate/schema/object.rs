//! Objects: their members, and their names.

use std::ptr;

use serde_json::Value;

use super::super::model::{Body, Definition, Docs, Member, Object, Type};
use super::super::naming::{identifier, type_name};
use super::constraints::constraints;
use super::shape::Shape;
use super::{Place, Schemas};
use crate::Result;

impl<'a> Schemas<'a> {
    /// Returns the type of an object, or of one of several objects.
    pub(super) fn object_type(&mut self, schema: &'a Value, place: Place<'_>, facts: &mut Vec<String>) -> Result<Type> {
        if let Some(known) = self.objects.get(&ptr::from_ref(schema)) {
            return Ok(known.clone());
        }
        let Some(shapes) = self.shapes(schema, place)? else {
            facts.push("Of any type here: the schema is a combination that no type expresses.".to_owned());
            return Ok(Type::Any);
        };
        let mut names = Vec::new();
        for (index, shape) in shapes.iter().enumerate() {
            let suffix = shape.tag.clone().unwrap_or_else(|| (index + 1).to_string());
            let name = if shapes.len() == 1 { place.name.to_owned() } else { format!("{}{suffix}", place.name) };
            names.push(shape.has_members().then(|| self.scope.numbered(&type_name(&name))));
        }
        // Before its members, which may lead back to it.
        if let Some(names) = names.iter().cloned().collect::<Option<Vec<_>>>() {
            self.objects.insert(ptr::from_ref(schema), Type::any_of(names.into_iter().map(Type::Named)));
        }
        let types = shapes.iter().zip(names).map(|(shape, name)| self.shape_type(shape, name, place));
        Ok(Type::any_of(types.collect::<Result<Vec<_>>>()?))
    }

    /// Returns the type of one object, which has a name if it has known members.
    pub(super) fn shape_type(&mut self, shape: &Shape<'a>, name: Option<String>, place: Place<'_>) -> Result<Type> {
        let Some(name) = name else {
            let object = self.object(shape, place)?;
            let more = object.more.unwrap_or(if shape.is_closed { Type::Never } else { Type::Any });
            return Ok(Type::Map(Box::new(more)));
        };
        let object = self.object(shape, Place { name: &name, ..place })?;
        let docs = Docs { text: shape.description.map(str::to_owned), ..Docs::default() };
        self.definitions.push(Definition { name: name.clone(), docs, body: Body::Object(object) });
        Ok(Type::Named(name))
    }

    pub(super) fn object(&mut self, shape: &Shape<'a>, place: Place<'_>) -> Result<Object> {
        let mut members = Vec::new();
        for (name, schema) in &shape.properties {
            let required = shape.required.contains(*name);
            members.push(self.member(name, schema, required, place)?);
        }
        let name = format!("{}Value", place.name);
        let more = shape.more.iter().map(|more| self.bare_type(more, Place { name: &name, ..place }, &mut Vec::new()));
        let more = more.collect::<Result<Vec<_>>>()?;
        Ok(Object { members, more: (!more.is_empty()).then(|| Type::any_of(more)) })
    }

    /// Returns a member of an object, or a parameter.
    pub(in super::super) fn member(
        &mut self,
        name: &str,
        schema: &'a Value,
        required: bool,
        place: Place<'_>,
    ) -> Result<Member> {
        let own = format!("{}{}", place.name, type_name(&identifier(name)));
        let mut docs = Docs::default();
        if let Some(members) = schema.as_object() {
            docs.text = members.get("description").and_then(Value::as_str).map(str::to_owned);
            docs.deprecated = members.get("deprecated") == Some(&Value::Bool(true));
            docs.facts = constraints(members);
        }
        let ty = self.bare_type(schema, Place { name: &own, ..place }, &mut docs.facts)?;
        Ok(Member { name: name.to_owned(), ty, required, docs })
    }
}
