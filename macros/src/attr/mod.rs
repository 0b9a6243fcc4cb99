//! Attributes: from `#[public_method(mailbox = 256)]` to a struct of its settings.
//!
//! Each attribute has one table of its keys. `key` looks the keys up in it, and `value` reads their
//! values.

mod key;
mod rules;
#[cfg(test)]
mod tests;
mod value;

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Path, Visibility};

use crate::errors::Errors;

pub(crate) use key::{Entries, Key, entries, set_entries};
use key::{Entry, entries_of};
pub(crate) use rules::{Rule, RuleKind, Rules};
pub(crate) use value::Keyed;

/// What happens to the state after a panic.
#[derive(Clone, Copy)]
pub(crate) enum OnPanic {
    Keep,
    Restart,
}

/// The name of the typed client, if the macro writes one.
#[derive(Default)]
pub(crate) enum ClientName {
    None,
    /// Named after the service.
    #[default]
    Default,
    Custom(Ident),
}

/// `#[service(…)]`
#[derive(Default)]
pub(crate) struct ServiceAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) namespace: Option<LitStr>,
    pub(crate) vis: Option<Visibility>,
    pub(crate) on_panic: Option<OnPanic>,
    pub(crate) client: ClientName,
    /// The trait that has the methods, if they are written apart from the service.
    pub(crate) api: Option<Path>,
    /// Whether the messages of an API have no schemas.
    pub(crate) no_schemas: bool,
}

/// `#[public_method(…)]` and `#[private_api_method(…)]`
#[derive(Default)]
pub(crate) struct MethodAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) message: Option<Ident>,
    pub(crate) mailbox: Option<usize>,
    pub(crate) mailbox_group: Option<LitStr>,
    /// In nanoseconds.
    pub(crate) deadline: Option<u64>,
    /// In nanoseconds.
    pub(crate) max_wait: Option<u64>,
    pub(crate) weight: Option<u32>,
    pub(crate) in_flight: Option<Keyed<usize>>,
    pub(crate) per_caller: Option<usize>,
    pub(crate) on_panic: Option<Keyed<OnPanic>>,
    pub(crate) compute: Option<Keyed<()>>,
    pub(crate) idempotent: bool,
    pub(crate) inline: Option<bool>,
    pub(crate) scope: Option<LitStr>,
    /// Whether the result is a stream of items.
    pub(crate) subscription: bool,
    /// The name of the notifications with the items.
    pub(crate) event: Option<Keyed<LitStr>>,
    /// Another name of `rpc.unsubscribe`.
    pub(crate) unsubscribe: Option<Keyed<LitStr>>,
}

/// `#[param(…)]`
pub(crate) struct ParamAttr {
    /// The attribute itself, for the span of error messages.
    pub(crate) attribute: Attribute,
    pub(crate) default: Option<Keyed<Expr>>,
    pub(crate) rename: Option<Keyed<LitStr>>,
    pub(crate) rest: Option<Keyed<()>>,
    pub(crate) rules: Rules,
    pub(crate) schema_with: Option<Path>,
}

/// Writes a table of keys: each with its example, and the setter as a closure.
macro_rules! keys {
    ($($name:literal, $example:literal => |$attr:ident, $value:ident| $set:expr;)*) => {
        &[$(Key {
            name: $name,
            example: $example,
            set: |$attr, $value| {
                $set;
                Ok(())
            },
        }),*]
    };
}
pub(crate) use keys;

const SERVICE_KEYS: &[Key<ServiceAttr>] = keys! {
    "name", r#"name = "name.your.service""# => |attr, value| attr.name = Some(value.nonempty_string()?);
    "version", r#"version = "1.2.3""# => |attr, value| attr.version = Some(value.nonempty_string()?);
    "namespace", r#"namespace = "users""# => |attr, value| attr.namespace = Some(value.nonempty_string()?);
    "vis", r#"vis = "pub(crate)""# => |attr, value| attr.vis = Some(value.parsed_string()?);
    "on_panic", r#"on_panic = "keep""# => |attr, value| attr.on_panic = Some(value.on_panic()?);
    "client", "client = false" => |attr, value| attr.client = value.client()?;
};

/// The keys of `#[service]` for a service whose methods are in an API.
const API_SERVICE_KEYS: &[Key<ServiceAttr>] = keys! {
    "api", "api = catalog_api::CatalogApi" => |attr, value| attr.api = Some(value.path()?);
    "version", r#"version = "1.2.3""# => |attr, value| attr.version = Some(value.nonempty_string()?);
    "on_panic", r#"on_panic = "keep""# => |attr, value| attr.on_panic = Some(value.on_panic()?);
};

/// The keys of `#[api]`.
const API_KEYS: &[Key<ServiceAttr>] = keys! {
    "name", r#"name = "name.your.service""# => |attr, value| attr.name = Some(value.nonempty_string()?);
    "namespace", r#"namespace = "users""# => |attr, value| attr.namespace = Some(value.nonempty_string()?);
    "client", r#"client = "Stub""# => |attr, value| attr.client = value.client_name()?;
    "schemas", "schemas = false" => |attr, value| attr.no_schemas = !value.boolean()?;
};

/// The keys of a method that bind its callers. In an API they stand there.
const CALLER_KEYS: &[Key<MethodAttr>] = keys! {
    "name", r#"name = "sayHello""# => |attr, value| attr.name = Some(value.nonempty_string()?);
    "message", r#"message = "SayHello""# => |attr, value| attr.message = Some(value.parsed_string()?);
    "deadline", r#"deadline = "2s""# => |attr, value| attr.deadline = Some(value.duration()?);
    "idempotent", "idempotent" => |attr, value| attr.idempotent = value.flag().map(|()| true)?;
    "subscription", "subscription" => |attr, value| attr.subscription = value.flag().map(|()| true)?;
    "event", r#"event = "price_changed""# => |attr, value| attr.event = Some(value.keyed(value.nonempty_string()?));
    "unsubscribe", r#"unsubscribe = "unsubscribe_prices""# => |attr, value| attr.unsubscribe = Some(value.keyed(value.nonempty_string()?));
};

/// The keys of a method that concern how the service runs its calls.
const ENGINE_KEYS: &[Key<MethodAttr>] = keys! {
    "mailbox", "mailbox = 256" => |attr, value| attr.mailbox = Some(value.positive()?);
    "mailbox_group", r#"mailbox_group = "writes""# => |attr, value| attr.mailbox_group = Some(value.nonempty_string()?);
    "max_wait", r#"max_wait = "10ms""# => |attr, value| attr.max_wait = Some(value.duration()?);
    "weight", "weight = 4" => |attr, value| attr.weight = Some(value.positive()?);
    "in_flight", "in_flight = 64" => |attr, value| attr.in_flight = Some(value.keyed(value.positive()?));
    "per_caller", "per_caller = 32" => |attr, value| attr.per_caller = Some(value.positive()?);
    "on_panic", r#"on_panic = "keep""# => |attr, value| attr.on_panic = Some(value.keyed(value.on_panic()?));
    "compute", "compute" => |attr, value| attr.compute = Some(value.keyed(value.flag()?));
    "inline", "inline = false" => |attr, value| attr.inline = Some(value.boolean()?);
};

/// The keys of `#[private_api_method]` alone.
const PRIVATE_METHOD_KEYS: &[Key<MethodAttr>] = keys! {
    "scope", r#"scope = "admin""# => |attr, value| attr.scope = Some(value.nonempty_string()?);
};

const PARAM_KEYS: &[Key<ParamAttr>] = keys! {
    "default", "default = 10" => |attr, value| attr.default = Some(value.keyed(value.expr()?.clone()));
    "rename", r#"rename = "type""# => |attr, value| attr.rename = Some(value.keyed(value.nonempty_string()?));
    "rest", "rest" => |attr, value| attr.rest = Some(value.keyed(value.flag()?));
    "range", "range = 1..=100" => |attr, value| attr.rules.add(value, RuleKind::Range(value.range()?));
    "length", "length = 1..=40" => |attr, value| attr.rules.add(value, RuleKind::Length(value.range()?));
    "pattern", r#"pattern = "^[a-z]+$""# => |attr, value| attr.rules.add(value, RuleKind::Pattern(value.pattern()?));
    "each", "each(range = 1..=6)" => |attr, value| attr.rules.add(value, RuleKind::Each(value.rules()?));
    "validate", "validate = is_even" => |attr, value| attr.rules.add(value, RuleKind::Validate(value.path()?));
    "schema_with", "schema_with = point_schema" => |attr, value| attr.schema_with = Some(value.path()?);
};

/// What to do with a key that binds callers.
const IN_THE_API: &str = "binds callers, so it stands in the API";

/// What to do with a key that neither an API nor its service has.
const NOT_WITH_AN_API: &str = "cannot be set with an API, whose messages have its name and its visibility";

/// What to do with a key that concerns how calls run.
const IN_THE_SERVICE: &str = "concerns how a service runs the calls, so it stands in its `#[handles(…)]`";

/// Returns what to do with a key that the service of an API does not have.
fn beside_an_api(key: &Ident) -> &'static str {
    if key == "message" || key == "vis" { NOT_WITH_AN_API } else { IN_THE_API }
}

fn private_keys(private: bool) -> &'static [Key<MethodAttr>] {
    if private { PRIVATE_METHOD_KEYS } else { &[] }
}

impl ServiceAttr {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let entries = errors.take(Punctuated::parse_terminated.parse2(args)).unwrap_or_default();
        if entries.iter().any(|entry: &Entry| entry.key == "api") {
            let entries = entries_of(entries, SERVICE_KEYS, API_SERVICE_KEYS, beside_an_api, errors);
            set_entries(&mut attr, "service", API_SERVICE_KEYS, entries, errors);
        } else {
            set_entries(&mut attr, "service", SERVICE_KEYS.iter().chain(&API_SERVICE_KEYS[..1]), entries, errors);
        }
        attr
    }

    /// Parses the arguments of `#[api]`.
    pub(crate) fn parse_api(args: TokenStream, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let entries = errors.take(Punctuated::parse_terminated.parse2(args)).unwrap_or_default();
        set_entries(&mut attr, "api", API_KEYS, entries, errors);
        attr
    }
}

impl MethodAttr {
    pub(crate) fn parse(marker: &Attribute, name: &str, private: bool, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let keys = CALLER_KEYS.iter().chain(ENGINE_KEYS).chain(private_keys(private));
        set_entries(&mut attr, name, keys, entries(marker, errors), errors);
        attr
    }

    /// Parses the attribute of a method of an API.
    pub(crate) fn parse_api(marker: &Attribute, name: &str, private: bool, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let entries = entries_of(entries(marker, errors), ENGINE_KEYS, &[], |_| IN_THE_SERVICE, errors);
        // The service finds a message by its name, so that is not for the user to set.
        let keys = CALLER_KEYS.iter().filter(|key| key.name != "message");
        set_entries(&mut attr, name, keys.chain(private_keys(private)), entries, errors);
        attr
    }

    /// Parses `#[handles(…)]`.
    pub(crate) fn parse_handles(marker: &Attribute, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let entries = entries_of(entries(marker, errors), CALLER_KEYS, &[], beside_an_api, errors);
        let entries = entries_of(entries, PRIVATE_METHOD_KEYS, &[], beside_an_api, errors);
        set_entries(&mut attr, "handles", ENGINE_KEYS, entries, errors);
        attr
    }
}

impl ParamAttr {
    pub(crate) fn parse(param: &Attribute, errors: &mut Errors) -> Self {
        let mut attr = Self {
            attribute: param.clone(),
            default: None,
            rename: None,
            rest: None,
            rules: Rules::default(),
            schema_with: None,
        };
        let entries = entries(param, errors);
        set_entries(&mut attr, "param", PARAM_KEYS, entries, errors);
        attr
    }
}
