//! The rules. Each rule reports its errors at the user's own tokens, and the next rule runs all the
//! same, so that the user sees every error at once. `api` has those for the trait of an API, and
//! `hooks` those for `#[on_start]` and its kind, and
//! `subscription` those for streams of items.

mod api;
mod hooks;
mod subscription;

use std::collections::HashMap;

use quote::quote;
use syn::{GenericParam, Generics, LitStr, Safety, Type};

use crate::attr::ClientName;
use crate::errors::Errors;
use crate::method::{Method, MethodKind, Output, Param, Receiver};
use crate::model::Service;
use crate::types::{Lifetimes, Unsupported, bare, last_segment, option_of, option_of_an_option, unsupported};

pub(crate) use api::api;

pub(crate) fn service(service: &Service, errors: &mut Errors) {
    block(service, errors);
    names(service, errors);
    hooks::hooks(service, errors);
    for method in &service.methods {
        receiver(method, errors);
        signature(method, errors);
        options(method, errors);
        for param in &method.params {
            parameter(param, errors);
        }
        parameter_order(method, errors);
        output(service, method, errors);
        subscription::subscription(service, method, errors);
        if service.is_generic() {
            concrete(service, method, errors);
        }
    }
}

fn block(service: &Service, errors: &mut Errors) {
    let Service { block, .. } = service;
    if let Some((path, _)) = &block.trait_ {
        errors.at(path, "`#[service]` needs the type's own `impl` block: methods of a trait cannot be exposed");
    }
    for lifetime in block.generics.lifetimes() {
        errors.at(lifetime, "a service lives until it stops, so its state cannot borrow: use owned values");
    }
    if service.ident().is_none() {
        errors.at(service.ty(), "a service must be a struct or an enum of your own crate");
    }
    if service.methods.is_empty() && block.trait_.is_none() && service.attr.api.is_none() {
        let message = "no method is exposed: mark at least one `#[public_method]` or `#[private_api_method]`";
        errors.at(service.ty(), message);
    }
}

fn names(service: &Service, errors: &mut Errors) {
    if let Some(namespace) = &service.attr.namespace {
        let text = namespace.value();
        if text == "rpc" || text.starts_with("rpc.") {
            errors.at(namespace, "names that begin with `rpc.` are reserved by JSON-RPC: choose another name");
        }
    }
    let (mut wire_names, mut messages) = (HashMap::new(), HashMap::new());
    let fix = if service.is_api { RENAME } else { SET_MESSAGE };
    for method in &service.methods {
        let (ident, wire_name) = (&method.sig.ident, method.wire_name());
        let text = wire_name.value();
        if text.starts_with("rpc.") {
            errors.at(&wire_name, "names that begin with `rpc.` are reserved by JSON-RPC: choose another name");
        } else if is_reserved(&text) {
            errors.at(&wire_name, "names that begin with `$/` are reserved: choose another name");
        }
        if text == "get_service_specs" {
            errors.at(
                name_tokens(method, &wire_name),
                "`get_service_specs` is a built-in method of every server: choose another name",
            );
        }
        let message = &method.message;
        if service.ident() == Some(message) {
            let both = format!("the message of `{ident}` would have the name of the service, `{message}`");
            errors.at(message, format!("{both}: {fix}"));
        }
        // Of two methods with the same name, a `cfg` may remove one. If it does not, the compiler
        // reports the duplicate.
        if !method.cfgs.is_empty() {
            continue;
        }
        if let Some(first) = wire_names.insert(text.clone(), ident) {
            errors.at(name_tokens(method, &wire_name), format!("the method `{first}` already has the name `{text}`"));
        } else if let Some(first) = messages.insert(message, ident) {
            errors.at(message, format!("the message of `{first}` already has the name `{message}`: {fix}"));
        }
    }
}

/// Whether callers cannot be given this name.
fn is_reserved(name: &str) -> bool {
    name.starts_with("rpc.") || name.starts_with("$/")
}

const SET_MESSAGE: &str = r#"set another name with `message = "…"`"#;
const RENAME: &str = r#"rename the method; `name = "…"` keeps its name on the wire"#;

/// Returns the tokens that give a method its wire name: the key `name`, or the name of the
/// function.
fn name_tokens(method: &Method, wire_name: &LitStr) -> proc_macro2::TokenStream {
    let ident = &method.sig.ident;
    if method.attr.name.is_some() { quote!(#wire_name) } else { quote!(#ident) }
}

fn receiver(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    match (&method.attr.compute, method.receiver) {
        (None, Receiver::None) => {
            let message = "a method takes `&self` or `&mut self`; mark a CPU-bound function without state `compute`";
            errors.at(&sig.ident, message);
        }
        (None, Receiver::Other) => {
            errors.at(sig.receiver(), "the service keeps its state: take `&self` or `&mut self`");
        }
        (Some(compute), _) => {
            if method.receiver != Receiver::None {
                let message = "a function marked `compute` runs outside the service, so it cannot take `self`";
                errors.at(sig.receiver(), message);
            }
            if sig.asyncness.is_some() {
                errors.at(&compute.key, "`compute` is for work without waiting: remove it from an `async fn`");
            }
        }
        (None, Receiver::Shared | Receiver::Exclusive) => {}
    }
}

/// Whether there are parameters other than lifetimes. Lifetimes only name what is borrowed for a
/// call, so they are allowed.
fn is_generic(generics: &Generics) -> bool {
    generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)))
}

fn signature(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    if is_generic(&sig.generics) {
        errors.at(&sig.generics, "an exposed method cannot be generic, because callers send values of fixed types");
    }
    if let Safety::Unsafe(token) = sig.safety {
        errors.at(token, "an exposed method cannot be unsafe, because anybody may call it with any values");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "an exposed method has a fixed number of parameters");
    }
}

fn options(method: &Method, errors: &mut Errors) {
    let Some(kind) = method.kind() else { return };
    if let Some(on_panic) = &method.attr.on_panic
        && !matches!(kind, MethodKind::Write | MethodKind::WriteAsync)
    {
        let message = "`on_panic` is only for `&mut self` methods: a panic in another method never leaves the state \
                       half-changed, so the state is always kept";
        errors.at(&on_panic.key, message);
    }
    if let Some(in_flight) = &method.attr.in_flight
        && kind != MethodKind::ReadAsync
    {
        let message = "`in_flight` is only for `async fn(&self)`: no other calls run concurrently";
        errors.at(&in_flight.key, message);
    }
}

fn parameter(param: &Param, errors: &mut Errors) {
    if param.name.is_none() {
        errors.at(&param.pat, "a parameter needs a name for callers to use: destructure it in the body");
    }
    if let Some(cfg) = &param.cfg {
        errors.at(cfg, "a parameter cannot be conditional: put the `cfg` on the method");
    }
    match param.injected() {
        Some(injected) => injected_parameter(param, injected, errors),
        None => sent_parameter(param, errors),
    }
}

fn injected_parameter(param: &Param, injected: &Type, errors: &mut Errors) {
    if let Some(attr) = &param.attr {
        errors.at(&attr.attribute, "a reference is injected and not sent by callers: remove the `#[param]`");
    }
    if let Type::Reference(reference) = bare(&param.ty)
        && reference.mutability.is_some()
    {
        errors.at(
            reference,
            "an injected parameter is a shared reference, such as `&Caller`, `&CallContext` or `&YourType`",
        );
    }
    let owned = match bare(injected) {
        Type::Slice(_) => Some("`Vec<…>`"),
        _ => last_segment(injected).filter(|segment| segment.ident == "str").map(|_| "`String`"),
    };
    if let Some(owned) = owned {
        errors.at(&param.ty, format!("callers send owned values: take {owned}"));
    } else if let Type::ImplTrait(_) | Type::TraitObject(_) = bare(injected) {
        errors.at(&param.ty, "a parameter needs a concrete type, not `impl` or `dyn`");
    }
}

fn sent_parameter(param: &Param, errors: &mut Errors) {
    if !param.is_rest() && param.wire_name().is_some_and(|name| name == "_meta") {
        errors.at(&param.pat, "callers send `_meta` beside the parameters of every method: choose another name");
    }
    match unsupported(&param.ty, Lifetimes::None) {
        Some(Unsupported::ImplTrait) => errors.at(&param.ty, "a parameter needs a concrete type, not `impl Trait`"),
        Some(Unsupported::Borrowed) => {
            errors.at(&param.ty, "callers send owned values, but this type borrows: take an owned type");
        }
        None => {}
    }
    let inner = if param.is_option_of_an_option() { option_of(&param.ty) } else { None };
    if let Some(twice) = option_of_an_option(inner.unwrap_or(&param.ty)) {
        errors.at(twice, format!("{ONE_NULL}: only the type of a whole parameter can be `Option<Option<T>>`"));
    }
    if inner.is_some()
        && let Some(attr) = &param.attr
    {
        for key in attr.default.as_ref().map(|set| &set.key).into_iter().chain(attr.rest.as_ref().map(|set| &set.key)) {
            let message = format!("a missing `Option<Option<T>>` is `None`, so it cannot have `{key}`");
            errors.at(key, message);
        }
    }
    if let Some(attr) = &param.attr
        && attr.rest.is_some()
    {
        let rename = attr.rename.as_ref().map(|set| &set.key);
        for key in attr.default.as_ref().map(|set| &set.key).into_iter().chain(rename) {
            let message = format!("`rest` collects parameters by their own names, so it cannot have `{key}`");
            errors.at(key, message);
        }
        for rule in &attr.rules.all {
            let key = &rule.key;
            errors.at(key, format!("`rest` collects parameters, so `{key}` belongs to a field of its type"));
        }
    }
}

/// The messages of a generic service are the same types for all its parameters.
fn concrete(service: &Service, method: &Method, errors: &mut Errors) {
    for ty in service.message_types(method) {
        if let Some(name) = service.names_parameter(ty) {
            let message =
                format!("callers send and receive fixed types, whatever the service is made of: replace `{name}`");
            errors.at(ty, message);
        }
    }
}

/// Why an `Option` within an `Option` cannot be sent.
const ONE_NULL: &str = "JSON has one null, so `Some(None)` would arrive as `None`";

fn parameter_order(method: &Method, errors: &mut Errors) {
    let sent: Vec<_> = method.sent().collect();
    let mut names = HashMap::new();
    for (at, param) in sent.iter().enumerate() {
        let later = &sent[at + 1..];
        if param.is_rest() {
            if later.iter().any(|later| later.is_rest()) {
                errors.at(&param.pat, "only one parameter can be marked `rest`");
            } else if !later.is_empty() {
                errors.at(&param.pat, "the parameter marked `rest` must be the last one");
            }
            continue;
        }
        if param.is_optional() && later.iter().any(|later| !later.is_optional() && !later.is_rest()) {
            let message = "an optional parameter cannot come before a required one, because callers that send \
                           parameters by position could not omit it";
            errors.at(&param.pat, message);
        }
        // The compiler itself reports two parameters with the same Rust name.
        if let (Some(wire_name), Some(name)) = (param.wire_name(), &param.name)
            && let Some(first) = names.insert(wire_name.clone(), name)
            && first != name
        {
            errors.at(&param.pat, format!("the parameter `{first}` already has the name `{wire_name}`"));
        }
    }
}

fn output(service: &Service, method: &Method, errors: &mut Errors) {
    let (ok, error) = match &method.output {
        Output::Plain(ok) => (&**ok, None),
        Output::Result { ok, error } => (&**ok, Some(&**error)),
    };
    for ty in [Some(ok), error].into_iter().flatten() {
        match unsupported(ty, Lifetimes::Static) {
            Some(Unsupported::ImplTrait) => errors.at(ty, "a method returns a concrete type, not `impl Trait`"),
            Some(Unsupported::Borrowed) => {
                errors.at(ty, "a result leaves the service, so it cannot borrow from it: return an owned value");
            }
            None => {}
        }
    }
    if let Some(twice) = option_of_an_option(ok) {
        errors.at(twice, format!("{ONE_NULL}: return an enum that names the cases"));
    }
    // Without this check the compiler would report that `Deserialize` is not general enough, which
    // explains nothing.
    let deserializable = matches!(service.attr.client, ClientName::None) || unsupported(ok, Lifetimes::None).is_none();
    if !deserializable && unsupported(ok, Lifetimes::Static).is_none() {
        let message = "the typed client cannot deserialize a `&'static` value: return an owned value, or write no \
                       client with `#[service(client = false)]`";
        errors.at(ok, message);
    }
}
