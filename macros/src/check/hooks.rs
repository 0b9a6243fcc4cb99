//! The rules for `#[on_start]`, `#[on_stop]` and `#[ready]`.

use syn::{FnArg, ReturnType, Type};

use crate::errors::Errors;
use crate::method::Receiver;
use crate::model::{Hook, HookKind, Service};
use crate::types::bare;

use super::is_generic;

pub(super) fn hooks(service: &Service, errors: &mut Errors) {
    for kind in [HookKind::Start, HookKind::Stop, HookKind::Ready] {
        let unconditional = service.hooks.iter().filter(|hook| hook.kind == kind && hook.cfgs.is_empty());
        for second in unconditional.skip(1) {
            let name = hook_name(kind);
            errors
                .at(&second.sig.ident, format!("a service has one `#[{name}]` function: call this one from the first"));
        }
    }
    for hook in &service.hooks {
        self::hook(hook, errors);
    }
}

fn hook(hook: &Hook, errors: &mut Errors) {
    let (name, sig) = (hook_name(hook.kind), &hook.sig);
    let takes_self = matches!(hook.receiver, Receiver::Shared | Receiver::Exclusive);
    match hook.kind {
        HookKind::Start if !takes_self || !sig.inputs.iter().skip(1).all(is_reference) || sig.inputs.len() > 2 => {
            let message = "a function marked `#[on_start]` takes `&mut self` and, if it needs them, `&ServiceContext`";
            errors.at(&sig.ident, message);
        }
        HookKind::Ready if hook.receiver != Receiver::Shared || sig.inputs.len() > 1 => {
            errors.at(&sig.ident, "a function marked `#[ready]` takes `&self` and no parameters");
        }
        HookKind::Stop if !takes_self || sig.inputs.len() > 1 => {
            errors.at(&sig.ident, format!("a function marked `#[{name}]` takes `&mut self` and no parameters"));
        }
        _ => {}
    }
    if is_generic(&sig.generics) {
        errors.at(&sig.generics, format!("a function marked `#[{name}]` cannot be generic"));
    }
    let ReturnType::Type(_, ty) = &sig.output else {
        if hook.kind == HookKind::Ready {
            errors.at(
                &sig.ident,
                "a function marked `#[ready]` returns `Result<(), E>`: the error says why it is not ready",
            );
        }
        return;
    };
    let unit = matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty());
    match hook.kind {
        HookKind::Start if !unit && !hook.may_fail() => {
            errors.at(ty, "a function marked `#[on_start]` returns nothing or `Result<(), E>`");
        }
        HookKind::Ready if !hook.may_fail() => {
            errors.at(ty, "a function marked `#[ready]` returns `Result<(), E>`: the error says why it is not ready");
        }
        HookKind::Stop if !unit => errors.at(ty, "a function marked `#[on_stop]` returns nothing"),
        _ => {}
    }
}

fn is_reference(input: &FnArg) -> bool {
    matches!(input, FnArg::Typed(typed) if matches!(bare(&typed.ty), Type::Reference(_)))
}

fn hook_name(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Start => "on_start",
        HookKind::Stop => "on_stop",
        HookKind::Ready => "ready",
    }
}
