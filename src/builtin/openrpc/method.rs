//! One method in the OpenRPC document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::route::Route;
use crate::service::{
    Access, DescribedError, ExecutionInfo, MethodDescription, MethodKind, MethodOptions, SchemaGenerators, StreamUse,
};

use super::super::unsubscribe::NAME as UNSUBSCRIBE;
use super::schemas::RenamedSchemas;

/// OpenRPC's method object. Members that begin with `x-` are callbox's own; page `wire` of the
/// guide lists them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodObject {
    name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "is_not")]
    deprecated: bool,
    param_structure: &'static str,
    params: Vec<ContentDescriptor>,
    result: ContentDescriptor,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<OpenRpcError>,
    #[serde(flatten)]
    extensions: MethodExtensions,
}

/// OpenRPC's tag object: the service.
#[derive(Serialize)]
struct TagObject {
    name: &'static str,
}

/// OpenRPC's content descriptor.
#[derive(Serialize)]
struct ContentDescriptor {
    name: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Value>,
    required: bool,
    schema: Schema,
}

/// OpenRPC's error object, whose data is described by its schema.
#[derive(Serialize)]
struct OpenRpcError {
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Schema>,
}

#[derive(Serialize)]
struct MethodExtensions {
    #[serde(rename = "x-access")]
    access: &'static str,
    #[serde(rename = "x-scope", skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    /// Schema of named parameters that are not listed.
    #[serde(rename = "x-rest", skip_serializing_if = "Option::is_none")]
    rest: Option<Schema>,
    /// Names of the errors, by their codes. OpenRPC's error objects have no extensions.
    #[serde(rename = "x-error-names", skip_serializing_if = "BTreeMap::is_empty")]
    error_names: BTreeMap<i32, Vec<&'static str>>,
    #[serde(rename = "x-subscription", skip_serializing_if = "Option::is_none")]
    subscription: Option<SubscriptionObject>,
    /// Whether it reports its progress to a caller that asks for it.
    #[serde(rename = "x-progress", skip_serializing_if = "is_not")]
    progress: bool,
    /// Name of the function of the typed client that calls the method.
    #[serde(rename = "x-rust", skip_serializing_if = "Option::is_none")]
    client: Option<&'static str>,
    #[serde(flatten)]
    runs: Option<RunExtensions>,
}

/// What follows the reply of a method that starts a subscription.
#[derive(Serialize)]
struct SubscriptionObject {
    item: Schema,
    /// Method name of the notifications with the items.
    event: &'static str,
    /// Name of the method that ends the subscription.
    unsubscribe: &'static str,
}

#[derive(Serialize)]
struct RunExtensions {
    #[serde(rename = "x-kind", serialize_with = "kind")]
    kind: MethodKind,
    #[serde(rename = "x-mailbox")]
    mailbox: MailboxObject,
    #[serde(rename = "x-deadline-ms")]
    deadline: u64,
    #[serde(rename = "x-max-wait-ms", skip_serializing_if = "Option::is_none")]
    max_wait: Option<u64>,
    #[serde(rename = "x-weight")]
    weight: u32,
    /// Maximum number of calls of one caller that wait or run at once.
    #[serde(rename = "x-per-caller", skip_serializing_if = "Option::is_none")]
    per_caller: Option<usize>,
    #[serde(rename = "x-idempotent", skip_serializing_if = "is_not")]
    idempotent: bool,
}

#[derive(Serialize)]
struct MailboxObject {
    capacity: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
}

impl MethodObject {
    pub(super) fn new(route: &dyn Route, generators: &mut SchemaGenerators) -> Self {
        let MethodDescription { order, mut params, result, errors, runs } = route.describe(generators);
        let options = route.options();
        let sent = &mut generators.sent;
        let mut contents: Vec<_> =
            order.iter().map(|name| parameter(Cow::Borrowed(*name), &mut params, sent)).collect();
        let rest = rest(&mut params).map(|rest| finish(rest, sent));
        // The fields of a struct among the parameters, which have no positions.
        let more: Vec<_> = params.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
        let more: Vec<_> = more.into_iter().map(|(name, _)| Cow::Owned(name.clone())).collect();
        let param_structure = if more.is_empty() { "either" } else { "by-name" };
        contents.extend(more.into_iter().map(|name| parameter(name, &mut params, sent)));
        contents.sort_by_key(|content| !content.required);
        let answered = &mut generators.received;
        let named = errors.iter().filter(|error| !error.names.is_empty());
        let error_names = named.map(|error| (error.code, error.names.clone())).collect();
        let summary = options.doc.and_then(|doc| doc.split("\n\n").next());
        // The result of a subscription is described as its items.
        let (result, subscription) = match options.streams {
            StreamUse::Subscribes(names) => {
                let (event, unsubscribe) =
                    (names.event.unwrap_or(route.name()), names.unsubscribe.unwrap_or(UNSUBSCRIBE));
                (subscription_id(), Some(SubscriptionObject { item: finish(result, answered), event, unsubscribe }))
            }
            _ => (result, None),
        };
        Self {
            name: route.name(),
            tags: runs.iter().map(|runs| TagObject { name: runs.service }).collect(),
            summary: summary.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
            description: options.doc.filter(|doc| summary != Some(*doc)),
            deprecated: options.deprecated,
            param_structure,
            params: contents,
            result: content("result".into(), true, result, answered),
            errors: errors.into_iter().map(|error| OpenRpcError::new(error, answered)).collect(),
            extensions: MethodExtensions { subscription, ..MethodExtensions::new(options, rest, error_names, runs) },
        }
    }

    /// Returns all schemas in it.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let contents = self.params.iter().chain([&self.result]).map(|content| &content.schema);
        let items = self.extensions.subscription.iter().map(|subscription| &subscription.item);
        let errors = self.errors.iter().filter_map(|error| error.data.as_ref());
        contents.chain(errors).chain(&self.extensions.rest).chain(items)
    }

    /// Points the references in what callers send to the renamed definitions.
    pub(super) fn rename_sent(&mut self, renamed: &RenamedSchemas) {
        let sent = self.params.iter_mut().map(|content| &mut content.schema).chain(&mut self.extensions.rest);
        sent.for_each(|schema| renamed.apply(schema));
    }
}

impl OpenRpcError {
    fn new(error: DescribedError, generator: &mut SchemaGenerator) -> Self {
        let (code, message) = (error.code, error.message());
        Self { code, message, data: error.into_data().map(|data| finish(data, generator)) }
    }
}

impl MethodExtensions {
    fn new(
        options: &MethodOptions,
        rest: Option<Schema>,
        error_names: BTreeMap<i32, Vec<&'static str>>,
        runs: Option<ExecutionInfo>,
    ) -> Self {
        let (access, scope) = match options.access {
            Access::Public => ("public", None),
            Access::Private => ("private", None),
            Access::Scope(scope) => ("private", Some(scope)),
        };
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let runs = runs.map(|ExecutionInfo { kind, capacity, weight, .. }| RunExtensions {
            kind,
            mailbox: MailboxObject { capacity, group: options.group },
            deadline: millis(options.deadline),
            max_wait: options.max_wait.map(millis),
            weight,
            per_caller: options.per_caller,
            idempotent: options.idempotent,
        });
        let (progress, client) = (options.reports_progress, options.client);
        Self { access, scope, rest, error_names, subscription: None, progress, client, runs }
    }
}

/// Returns the schema of the result of a method that starts a subscription.
fn subscription_id() -> Schema {
    json_schema!({ "type": "string", "description": "The id of the subscription." })
}

/// Returns the schema of named parameters that have no property of their own.
fn rest(params: &mut Schema) -> Option<Schema> {
    let said = ["additionalProperties", "unevaluatedProperties"].into_iter().find_map(|key| params.remove(key));
    // With the variants of an enum, the names that are allowed depend on other parameters.
    let depends = || ["oneOf", "anyOf", "allOf", "$ref"].into_iter().any(|key| params.get(key).is_some());
    let rest = said.or_else(|| depends().then_some(Value::Bool(true)))?;
    if rest == Value::Bool(false) { None } else { rest.try_into().ok() }
}

fn parameter(name: Cow<'static, str>, params: &mut Schema, generator: &mut SchemaGenerator) -> ContentDescriptor {
    let required = params.get("required").and_then(Value::as_array);
    let required = required.is_some_and(|names| names.iter().any(|required| *required == *name));
    let properties = params.get_mut("properties").and_then(Value::as_object_mut);
    let schema = properties.and_then(|properties| properties.remove(&*name)).and_then(|schema| schema.try_into().ok());
    content(name, required, schema.unwrap_or_default(), generator)
}

fn content(
    name: Cow<'static, str>,
    required: bool,
    mut schema: Schema,
    generator: &mut SchemaGenerator,
) -> ContentDescriptor {
    let description = schema.remove("description");
    ContentDescriptor { name, description, required, schema: finish(schema, generator) }
}

/// Converts a schema to draft 7, which the generator does for whole documents only.
fn finish(mut schema: Schema, generator: &mut SchemaGenerator) -> Schema {
    generator.transforms_mut().for_each(|transform| transform.transform(&mut schema));
    schema
}

fn is_not(said: &bool) -> bool {
    !said
}

fn kind<S: Serializer>(kind: &MethodKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match kind {
        MethodKind::Read => "read",
        MethodKind::Write => "write",
        MethodKind::ReadAsync => "read_async",
        MethodKind::WriteAsync => "write_async",
        MethodKind::Compute => "compute",
    })
}
