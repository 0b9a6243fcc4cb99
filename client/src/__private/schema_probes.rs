//! The schemas and errors of types of which a macro does not know whether they have any.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::error_list::{DescribeErrors, ErrorList};

/// Lists the errors of `E`, if it is `DescribeErrors`.
#[derive(Debug)]
pub struct ErrorsProbe<E>(PhantomData<E>);

impl<E: DescribeErrors> ErrorsProbe<E> {
    /// Adds the errors of `E` to the list.
    pub fn describe(list: &mut ErrorList<'_>) {
        E::describe(list);
    }
}

/// The fallback of [`ErrorsProbe`] for types that do not list their errors.
pub trait ErrorsFallback {
    /// Adds nothing to the list.
    fn describe(_: &mut ErrorList<'_>) {}
}

impl<E> ErrorsFallback for ErrorsProbe<E> {}

/// Returns the schema of `T`, if it is `JsonSchema`.
#[derive(Debug)]
pub struct SchemaProbe<T>(PhantomData<T>);

impl<T: JsonSchema> SchemaProbe<T> {
    /// Returns the schema of `T`.
    pub fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// The fallback of [`SchemaProbe`] for types without a schema.
pub trait SchemaFallback {
    /// Returns the schema that accepts any value.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<T> SchemaFallback for SchemaProbe<T> {}

/// Returns the schema of an object with these members, all of them required.
pub fn object_schema<const N: usize>(members: [(&str, Schema); N]) -> Schema {
    let names = members.each_ref().map(|(name, _)| *name);
    let properties: serde_json::Map<_, _> =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
    json_schema!({ "type": "object", "properties": properties, "required": names.as_slice() })
}

/// Returns the schema of an array with exactly these items.
pub fn tuple_schema<const N: usize>(items: &[Schema; N]) -> Schema {
    json_schema!({ "type": "array", "prefixItems": items.as_slice(), "minItems": N, "maxItems": N })
}
