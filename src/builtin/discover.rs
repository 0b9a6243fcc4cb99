//! `rpc.discover`: the OpenRPC document, with what its caller may call and the schemas of that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use percent_encoding::percent_decode_str;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::auth::Caller;
use crate::jsonrpc::Budget;
use crate::service::{Access, CallContext, Description, MethodOptions, Outcome, Route};
use crate::sync::Arc;

use super::Answer;

/// Where OpenRPC keeps the schemas that others point to.
const SCHEMAS: &str = "/components/schemas";

/// The built-in method.
pub(crate) struct Discover {
    service: &'static str,
    methods: Vec<Told>,
    schemas: BTreeMap<String, Value>,
}

/// A method, who may know of it, and the schemas that are needed to understand it.
struct Told {
    access: Access,
    method: Method,
    schemas: BTreeSet<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    openrpc: &'static str,
    info: Info<'a>,
    methods: Vec<&'a Method>,
    components: Components<'a>,
}

#[derive(Serialize)]
struct Info<'a> {
    title: &'a str,
    version: &'static str,
}

#[derive(Serialize)]
struct Components<'a> {
    schemas: BTreeMap<&'a str, &'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    param_structure: &'static str,
    params: Vec<Content>,
    result: Content,
}

/// OpenRPC's "content descriptor".
#[derive(Serialize)]
struct Content {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Value>,
    required: bool,
    schema: Schema,
}

impl Discover {
    /// A document of these routes, made once: a call only picks from it.
    pub(crate) fn new<'a>(service: &'static str, routes: impl Iterator<Item = &'a Arc<dyn Route>>) -> Self {
        // Draft 7 is what OpenRPC refers to.
        let settings = SchemaSettings::draft07().with(|settings| settings.definitions_path = SCHEMAS.into());
        let mut generator = settings.into_generator();
        let methods: Vec<_> =
            routes.map(|route| (route.options().access, describe(&**route, &mut generator))).collect();
        let schemas: BTreeMap<String, Value> = generator.take_definitions(true).into_iter().collect();
        let methods = methods.into_iter().map(|(access, method)| {
            let contents = method.params.iter().chain([&method.result]);
            let mut needed = BTreeSet::new();
            contents.for_each(|content| need(content.schema.as_value(), &schemas, &mut needed));
            Told { access, method, schemas: needed }
        });
        Self { service, methods: methods.collect(), schemas }
    }

    fn document(&self, caller: &Caller) -> Document<'_> {
        let told: Vec<_> = self.methods.iter().filter(|told| told.access.admits(caller)).collect();
        let needed: BTreeSet<_> = told.iter().flat_map(|told| &told.schemas).collect();
        let schemas = needed.into_iter().filter_map(|name| self.schemas.get_key_value(name));
        Document {
            openrpc: "1.3.2",
            // A service does not say which version it has, and OpenRPC wants one.
            info: Info { title: self.service, version: "0.0.0" },
            methods: told.into_iter().map(|told| &told.method).collect(),
            components: Components { schemas: schemas.map(|(name, schema)| (name.as_str(), schema)).collect() },
        }
    }
}

impl Answer for Discover {
    const NAME: &'static str = "rpc.discover";
    const DOC: &'static str = "Describes the methods that its caller may call, as an OpenRPC document.";

    fn access() -> MethodOptions {
        MethodOptions::public().asks_caller()
    }

    fn answer(&self, call: &CallContext, budget: &Budget, out: &mut Vec<u8>) -> Outcome {
        budget.write(out, &self.document(&call.caller))
    }
}

fn describe(route: &dyn Route, generator: &mut SchemaGenerator) -> Method {
    let Description { order, mut params, result } = route.describe(generator);
    let is_required = |name: &str| {
        let names = params.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let required: Vec<_> = order.iter().map(|name| is_required(name)).collect();
    let mut properties = params.get_mut("properties").and_then(Value::as_object_mut);
    let params = order.iter().zip(required).map(|(name, required)| {
        let schema = properties.as_mut().and_then(|properties| properties.remove(*name));
        let schema = schema.and_then(|schema| Schema::try_from(schema).ok()).unwrap_or_default();
        content(name, required, schema, generator)
    });
    let params = params.collect();
    let doc = route.options().doc;
    let summary = doc.and_then(|doc| doc.split("\n\n").next());
    Method {
        name: route.name().to_string(),
        summary: summary.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        description: doc.filter(|doc| summary != Some(*doc)),
        param_structure: "either",
        params,
        result: content("result", true, result, generator),
    }
}

fn content(name: &str, required: bool, mut schema: Schema, generator: &mut SchemaGenerator) -> Content {
    let description = schema.remove("description");
    // The generator does this to whole documents only.
    generator.transforms_mut().for_each(|transform| transform.transform(&mut schema));
    Content { name: name.to_owned(), description, required, schema }
}

/// Adds the names of all schemas that this one points to, and those point to.
fn need(schema: &Value, schemas: &BTreeMap<String, Value>, needed: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str).and_then(name_of)
                && let Some((name, schema)) = schemas.get_key_value(&name)
                && needed.insert(name.clone())
            {
                need(schema, schemas, needed);
            }
            members.values().for_each(|member| need(member, schemas, needed));
        }
        Value::Array(items) => items.iter().for_each(|item| need(item, schemas, needed)),
        _ => {}
    }
}

/// The name in a reference, which is a JSON pointer within the fragment of a URI.
fn name_of(reference: &str) -> Option<String> {
    let pointer = reference.strip_prefix('#')?.strip_prefix(SCHEMAS)?.strip_prefix('/')?;
    let name = percent_decode_str(pointer).decode_utf8().ok()?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

impl fmt::Debug for Discover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discover").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_the_schema_generator_writes_it() {
        for name in ["User", "Page of Users/1~2 %25 ü"] {
            struct Named;
            thread_local!(static NAME: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") });
            impl schemars::JsonSchema for Named {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    NAME.get().into()
                }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    schemars::json_schema!({ "type": "string" })
                }
            }
            NAME.set(name);
            let settings = SchemaSettings::draft07().with(|settings| settings.definitions_path = SCHEMAS.into());
            let schema = settings.into_generator().subschema_for::<Named>();
            let reference = schema.get("$ref").and_then(Value::as_str).unwrap();
            assert_eq!(name_of(reference).as_deref(), Some(name), "{reference}");
        }
        assert_eq!(name_of("#/definitions/User"), None);
    }
}
