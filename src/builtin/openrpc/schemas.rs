//! The definitions of a document: generated for types as they are read and as they are written,
//! then merged.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::service::SchemaGenerators;

/// Where OpenRPC keeps shared schemas.
pub(super) const SCHEMAS: &str = "/components/schemas";

/// Suffix of the name of a type that is read differently from how it is written, where it is read.
const INPUT: &str = "Input";

/// All schemas that have a name, by name.
pub(super) struct Definitions(BTreeMap<String, Definition>);

struct Definition {
    schema: Value,
    /// Names of the definitions to which it points itself.
    points_to: BTreeSet<String>,
}

/// Suffixes of the names that were already taken, for the references in what callers send.
pub(super) struct RenamedSchemas(BTreeMap<String, String>);

impl Definitions {
    /// Merges the definitions of both generators. Returns them, and the new names for what callers
    /// send.
    ///
    /// A type that is read as it is written has one definition, any other type has two. Equal names
    /// say nothing: each generator numbers types of one name on its own.
    pub(super) fn of(mut generators: SchemaGenerators) -> (Self, RenamedSchemas) {
        let sent = take(&mut generators.sent);
        let mut all = take(&mut generators.received);
        let mut taken: BTreeSet<_> = sent.keys().chain(all.keys()).cloned().collect();
        let mut renamed = RenamedSchemas(BTreeMap::new());
        for name in differing(&sent, &all) {
            let numbers = (2..).map(|number| format!("{INPUT}{number}"));
            let mut suffixes = [INPUT.to_owned()].into_iter().chain(numbers);
            let suffix = suffixes.find(|suffix| taken.insert(format!("{name}{suffix}"))).unwrap_or_default();
            renamed.0.insert(name.clone(), suffix);
        }
        for (mut name, mut schema) in sent {
            renamed.apply(&mut schema);
            name += renamed.0.get(&name).map_or("", String::as_str);
            all.entry(name).or_insert(schema);
        }
        let definitions = all.into_iter().map(|(name, schema)| {
            let points_to = references(&schema);
            (name, Definition { schema: schema.to_value(), points_to })
        });
        (Self(definitions.collect()), renamed)
    }

    /// Returns the names of all definitions to which these schemas lead.
    pub(super) fn needed_by<'a>(&self, schemas: impl Iterator<Item = &'a Schema>) -> BTreeSet<String> {
        let mut open: Vec<_> = schemas.flat_map(references).collect();
        let mut needed = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some(definition) = self.0.get(&name)
                && needed.insert(name)
            {
                open.extend(definition.points_to.iter().cloned());
            }
        }
        needed
    }

    /// Returns the definitions of these names.
    pub(super) fn pick<'a>(&'a self, names: impl IntoIterator<Item = &'a String>) -> BTreeMap<&'a str, &'a Value> {
        let found = names.into_iter().filter_map(|name| self.0.get_key_value(name));
        found.map(|(name, definition)| (name.as_str(), &definition.schema)).collect()
    }
}

impl RenamedSchemas {
    /// Points the references of a schema that callers send to the renamed definitions.
    pub(super) fn apply(&self, schema: &mut Schema) {
        each_reference(schema, |reference, name| *reference += self.0.get(name).map_or("", String::as_str));
    }
}

fn take(generator: &mut SchemaGenerator) -> BTreeMap<String, Schema> {
    let definitions = generator.take_definitions(true).into_iter();
    definitions.filter_map(|(name, schema)| Some((name, Schema::try_from(schema).ok()?))).collect()
}

/// Returns the names that both have with different meanings: the definitions differ, or some to
/// which they lead.
fn differing(sent: &BTreeMap<String, Schema>, answered: &BTreeMap<String, Schema>) -> BTreeSet<String> {
    let both = || sent.iter().filter_map(|(name, schema)| Some((name, schema, answered.get(name)?)));
    let mut differing: BTreeSet<_> =
        both().filter(|(_, sent, answered)| sent != answered).map(|(name, ..)| name.clone()).collect();
    loop {
        let leads_there = |schema: &Schema| !references(schema).is_disjoint(&differing);
        let more: Vec<_> = both()
            .filter(|(name, sent, _)| !differing.contains(*name) && leads_there(sent))
            .map(|(name, ..)| name.clone())
            .collect();
        if more.is_empty() {
            return differing;
        }
        differing.extend(more);
    }
}

/// Returns the names of the definitions to which a schema points.
fn references(schema: &Schema) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each_reference(&mut schema.clone(), |_, name| {
        found.insert(name.to_owned());
    });
    found
}

/// Visits the references of a schema and of its parts, with the name to which each points. Text
/// that only looks like a reference, such as a value in an example, is left alone.
fn each_reference(schema: &mut Schema, mut visit: impl FnMut(&mut String, &str)) {
    let mut visits = RecursiveTransform(|schema: &mut Schema| {
        if let Some(Value::String(reference)) = schema.get_mut("$ref")
            && let Some(name) = name_of(reference)
        {
            visit(reference, &name);
        }
    });
    visits.transform(schema);
}

/// Returns the name in a reference, which is a JSON pointer in the fragment of a URI.
fn name_of(reference: &str) -> Option<String> {
    let pointer = reference.strip_prefix('#')?.strip_prefix(SCHEMAS)?.strip_prefix('/')?;
    let name = percent_decode_str(pointer).decode_utf8().ok()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}
