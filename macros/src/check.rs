//! The rules. Each one notes its mistake at the user's own tokens and lets the others have their turn.

use std::collections::HashMap;

use quote::quote;
use syn::{GenericParam, Generics, LitStr, ReturnType, Safety, Type};

use crate::attr::Client;
use crate::errors::Errors;
use crate::method::{Kind, Method, Output, Param, Receiver};
use crate::model::{Hook, On, Service};
use crate::types::{Lifetimes, Unfit, bare, last_segment, option_of, option_of_an_option, unfit};

pub(crate) fn service(service: &Service, errors: &mut Errors) {
    block(service, errors);
    names(service, errors);
    hooks(service, errors);
    for method in &service.methods {
        receiver(method, errors);
        signature(method, errors);
        options(method, errors);
        for param in &method.params {
            parameter(param, errors);
        }
        parameter_order(method, errors);
        output(service, method, errors);
    }
}

fn block(service: &Service, errors: &mut Errors) {
    let Service { block, .. } = service;
    if let Some((path, _)) = &block.trait_ {
        errors.at(path, "`#[service]` is for the type's own `impl` block; a trait's methods cannot be exposed");
    }
    if !block.generics.params.is_empty() {
        let message = "a service cannot be generic: its methods' messages are types of their own, which would not know \
                       what the parameters stand for; implement `callbox::Service` by hand for that";
        errors.at(&block.generics, message);
    }
    if service.ident().is_none() {
        errors.at(service.ty(), "a service is a struct or an enum of yours");
    }
    if service.methods.is_empty() && block.trait_.is_none() {
        let message = "no method is exposed: mark at least one `#[public_method]` or `#[private_api_method]`";
        errors.at(service.ty(), message);
    }
}

fn names(service: &Service, errors: &mut Errors) {
    if let Some(namespace) = &service.attr.namespace {
        let text = namespace.value();
        if text == "rpc" || text.starts_with("rpc.") {
            errors.at(namespace, "names that begin with `rpc.` belong to JSON-RPC itself");
        }
    }
    let (mut wire_names, mut messages) = (HashMap::new(), HashMap::new());
    for method in &service.methods {
        let (ident, wire_name) = (&method.sig.ident, method.wire_name());
        let text = wire_name.value();
        if text.starts_with("rpc.") {
            errors.at(&wire_name, "names that begin with `rpc.` belong to JSON-RPC itself");
        }
        if text == "get_service_specs" {
            errors.at(blame(method, &wire_name), "every service has a `get_service_specs` already");
        }
        let message = &method.message;
        if service.ident() == Some(message) {
            let both = format!("the message of `{ident}` would be called `{message}`, as the service is");
            errors.at(message, format!("{both}: {SET_MESSAGE}"));
        }
        // Of two with the same name one may be compiled out; the compiler will say if not.
        if !method.cfgs.is_empty() {
            continue;
        }
        if let Some(first) = wire_names.insert(text.clone(), ident) {
            errors.at(blame(method, &wire_name), format!("callers know `{first}` by the name `{text}` already"));
        } else if let Some(first) = messages.insert(message, ident) {
            errors.at(message, format!("the message of `{first}` is called `{message}` too: {SET_MESSAGE}"));
        }
    }
}

const SET_MESSAGE: &str = r#"give it another name with `message = "…"`"#;

/// The tokens that gave a method its name: the key `name`, or the function's own.
fn blame(method: &Method, wire_name: &LitStr) -> proc_macro2::TokenStream {
    let ident = &method.sig.ident;
    if method.attr.name.is_some() { quote!(#wire_name) } else { quote!(#ident) }
}

fn hooks(service: &Service, errors: &mut Errors) {
    for on in [On::Start, On::Stop] {
        let unconditional = service.hooks.iter().filter(|hook| hook.on == on && hook.cfgs.is_empty());
        for second in unconditional.skip(1) {
            let name = hook_name(on);
            errors.at(&second.sig.ident, format!("a service has one `#[{name}]`; call this one from the first"));
        }
    }
    for hook in &service.hooks {
        self::hook(hook, errors);
    }
}

fn hook(hook: &Hook, errors: &mut Errors) {
    let (name, sig) = (hook_name(hook.on), &hook.sig);
    if !matches!(hook.receiver, Receiver::Shared | Receiver::Exclusive) || sig.inputs.len() != 1 {
        errors.at(&sig.ident, format!("a function marked `#[{name}]` takes `&mut self` and nothing else"));
    }
    if is_generic(&sig.generics) {
        errors.at(&sig.generics, format!("a function marked `#[{name}]` cannot be generic"));
    }
    let ReturnType::Type(_, ty) = &sig.output else { return };
    let unit = matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
    match hook.on {
        On::Start if !unit && !hook.may_fail() => {
            errors.at(ty, "a function marked `#[on_start]` returns nothing or `Result<(), E>`");
        }
        On::Stop if !unit => errors.at(ty, "a function marked `#[on_stop]` returns nothing"),
        _ => {}
    }
}

fn hook_name(on: On) -> &'static str {
    match on {
        On::Start => "on_start",
        On::Stop => "on_stop",
    }
}

fn receiver(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    match (&method.attr.compute, method.receiver) {
        (None, Receiver::None) => {
            let message = "a method takes `&self` or `&mut self`; a function without state that is heavy on the \
                           processor is marked `compute`";
            errors.at(&sig.ident, message);
        }
        (None, Receiver::Other) => {
            errors.at(sig.receiver(), "the state stays with the service: take `&self` or `&mut self`");
        }
        (Some(compute), _) => {
            if method.receiver != Receiver::None {
                let message = "a function marked `compute` runs outside the service and has no `self`";
                errors.at(sig.receiver(), message);
            }
            if sig.asyncness.is_some() {
                errors.at(&compute.key, "`compute` is for work that does not wait: an `async fn` cannot have it");
            }
        }
        (None, Receiver::Shared | Receiver::Exclusive) => {}
    }
}

/// Whether it has more than lifetimes, which only give names to what is borrowed for a call.
fn is_generic(generics: &Generics) -> bool {
    generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)))
}

fn signature(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    if is_generic(&sig.generics) {
        errors.at(&sig.generics, "an exposed method cannot be generic: callers send values of fixed types");
    }
    if let Safety::Unsafe(token) = sig.safety {
        errors.at(token, "an exposed method cannot be unsafe: anybody may call it with anything");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "an exposed method has a fixed number of parameters");
    }
}

fn options(method: &Method, errors: &mut Errors) {
    let Some(kind) = method.kind() else { return };
    if let Some(on_panic) = &method.attr.on_panic
        && !matches!(kind, Kind::Write | Kind::WriteAsync)
    {
        let message = "only a `&mut self` method can leave the state half-changed; after a panic in this one it is \
                       always kept";
        errors.at(&on_panic.key, message);
    }
    if let Some(in_flight) = &method.attr.in_flight
        && kind != Kind::ReadAsync
    {
        let message = "only calls of an `async fn` with `&self` are under way side by side";
        errors.at(&in_flight.key, message);
    }
}

fn parameter(param: &Param, errors: &mut Errors) {
    if param.name.is_none() {
        errors.at(&param.pat, "a parameter needs a name, which callers use; take it apart in the body");
    }
    if let Some(cfg) = &param.cfg {
        errors.at(cfg, "a parameter cannot be conditional; put the `cfg` on the method");
    }
    match param.injected() {
        Some(injected) => injected_parameter(param, injected, errors),
        None => sent_parameter(param, errors),
    }
}

fn injected_parameter(param: &Param, injected: &Type, errors: &mut Errors) {
    if let Some(attr) = &param.attr {
        errors.at(
            &attr.written,
            "a reference is injected and not sent by callers, so `#[param]` has nothing to say of it",
        );
    }
    if let Type::Reference(reference) = bare(&param.ty)
        && reference.mutability.is_some()
    {
        errors.at(reference, "an injected parameter is a shared reference: `&Caller`, `&CallContext`, `&YourOwn`");
    }
    let owned = match bare(injected) {
        Type::Slice(_) => Some("`Vec<…>`"),
        _ => last_segment(injected).filter(|segment| segment.ident == "str").map(|_| "`String`"),
    };
    if let Some(owned) = owned {
        errors.at(&param.ty, format!("what callers send is taken by value: {owned}"));
    } else if let Type::ImplTrait(_) | Type::TraitObject(_) = bare(injected) {
        errors.at(&param.ty, "a parameter has a type of its own, not `impl` or `dyn`");
    }
}

fn sent_parameter(param: &Param, errors: &mut Errors) {
    match unfit(&param.ty, Lifetimes::None) {
        Some(Unfit::ImplTrait) => errors.at(&param.ty, "`impl Trait` cannot be sent; name the type"),
        Some(Unfit::Borrowed) => errors.at(&param.ty, "what callers send is owned by the method; this type borrows"),
        None => {}
    }
    let inner = if param.is_option_of_an_option() { option_of(&param.ty) } else { None };
    if let Some(twice) = option_of_an_option(inner.unwrap_or(&param.ty)) {
        errors.at(twice, format!("{ONE_NULL}: only a parameter itself can be an `Option<Option<T>>`"));
    }
    if inner.is_some()
        && let Some(attr) = &param.attr
    {
        for key in attr.default.as_ref().map(|set| &set.key).into_iter().chain(attr.rest.as_ref().map(|set| &set.key)) {
            let message = format!("an `Option<Option<T>>` is `None` if it is left out, so `{key}` does not go with it");
            errors.at(key, message);
        }
    }
    if let Some(attr) = &param.attr
        && attr.rest.is_some()
    {
        let rename = attr.rename.as_ref().map(|set| &set.key);
        for key in attr.default.as_ref().map(|set| &set.key).into_iter().chain(rename) {
            let message = format!("`rest` takes what has no name of its own, so `{key}` does not go with it");
            errors.at(key, message);
        }
    }
}

/// Why an `Option` of an `Option` cannot be sent.
const ONE_NULL: &str = "JSON has one null, so `Some(None)` would arrive as `None`";

fn parameter_order(method: &Method, errors: &mut Errors) {
    let sent: Vec<_> = method.sent().collect();
    let mut names = HashMap::new();
    for (at, param) in sent.iter().enumerate() {
        let later = &sent[at + 1..];
        if param.is_rest() {
            if later.iter().any(|later| later.is_rest()) {
                errors.at(&param.pat, "only one parameter can take the rest");
            } else if !later.is_empty() {
                errors.at(&param.pat, "the parameter that takes the rest comes last");
            }
            continue;
        }
        if param.is_optional() && later.iter().any(|later| !later.is_optional() && !later.is_rest()) {
            let message = "a parameter that may be missing cannot come before one that may not: callers who send \
                           them by position could not leave it out";
            errors.at(&param.pat, message);
        }
        // Names that the compiler compares are left to it.
        if let (Some(wire_name), Some(name)) = (param.wire_name(), &param.name)
            && let Some(first) = names.insert(wire_name.clone(), name)
            && first != name
        {
            errors.at(&param.pat, format!("callers know the parameter `{first}` by the name `{wire_name}` already"));
        }
    }
}

fn output(service: &Service, method: &Method, errors: &mut Errors) {
    let (ok, error) = match &method.output {
        Output::Plain(ok) => (ok, None),
        Output::Result { ok, error } => (&**ok, Some(&**error)),
        Output::ShortResult(ty) => {
            errors.at(ty, "write `Result<T, E>` in full: the macro has to see what callers get");
            return;
        }
    };
    for ty in [Some(ok), error].into_iter().flatten() {
        match unfit(ty, Lifetimes::Static) {
            Some(Unfit::ImplTrait) => errors.at(ty, "a method returns a type with a name, not `impl Trait`"),
            Some(Unfit::Borrowed) => {
                errors.at(ty, "a result leaves the service, so it cannot borrow: return an owned value");
            }
            None => {}
        }
    }
    if let Some(twice) = option_of_an_option(ok) {
        errors.at(twice, format!("{ONE_NULL}: return an enum that names the cases"));
    }
    // Said here, as the compiler would only say that `Deserialize` is not general enough.
    let readable = matches!(service.attr.client, Client::None) || unfit(ok, Lifetimes::None).is_none();
    if !readable && unfit(ok, Lifetimes::Static).is_none() {
        let message = "the typed client cannot make a `&'static` value of what it reads: return an owned value, or do \
                       without the client: `#[service(client = false)]`";
        errors.at(ok, message);
    }
}
