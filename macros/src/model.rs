//! The model of a `#[service]` block. It keeps the user's own tokens, so that every span is theirs.
//! The rules are in [`check`](crate::check).

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericParam, Generics, Ident, ImplItem, ImplItemFn, ItemImpl, Lit, ReturnType,
    Signature, Type, Visibility,
};

use crate::attr::{MethodAttr, OnPanic, ServiceAttr};
use crate::conditional::{Conditional, allowed, cfgs};
use crate::errors::Errors;
use crate::method::{Method, MethodKind, Output, Receiver};
use crate::types::last_segment;

/// The `impl` block and its marked functions.
pub(crate) struct Service {
    pub(crate) attr: ServiceAttr,
    /// The block without the attributes of this crate.
    pub(crate) block: ItemImpl,
    /// The `allow` and `expect` attributes of the block, as `allow`.
    pub(crate) allowed: Vec<Attribute>,
    pub(crate) methods: Vec<Method>,
    pub(crate) hooks: Vec<Hook>,
    /// Whether it is the trait of an API, written as a block of a type that does not exist.
    pub(crate) is_api: bool,
}

/// A function marked `#[on_start]`, `#[on_stop]` or `#[ready]`.
pub(crate) struct Hook {
    pub(crate) kind: HookKind,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) sig: Signature,
    pub(crate) receiver: Receiver,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum HookKind {
    Start,
    Stop,
    Ready,
}

/// What a marked function is to the service.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Method {
        private: bool,
    },
    /// A method whose message is in an API.
    Handler,
    Hook(HookKind),
}

/// The attributes that mark functions, by name.
const ROLES: [(&str, Role); 6] = [
    ("public_method", Role::Method { private: false }),
    ("private_api_method", Role::Method { private: true }),
    ("handles", Role::Handler),
    ("on_start", Role::Hook(HookKind::Start)),
    ("on_stop", Role::Hook(HookKind::Stop)),
    ("ready", Role::Hook(HookKind::Ready)),
];

impl Service {
    /// Reads the block and removes the attributes of this crate from it.
    pub(crate) fn parse(service: ServiceAttr, mut block: ItemImpl, errors: &mut Errors) -> Self {
        let outer = cfgs(&block.attrs);
        let (mut methods, mut hooks) = (Vec::new(), Vec::new());
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else { continue };
            let roles = take_role_attrs(&mut function.attrs, errors);
            // A function may have several roles, each under its own condition. Each starts from the
            // same function, because parsing removes attributes from it.
            let original = function.clone();
            for RoleAttr { name, role, attr, condition } in &roles {
                *function = original.clone();
                let outer = [&outer[..], condition].concat();
                match *role {
                    Role::Method { private } => {
                        if service.api.is_some() {
                            errors.at(attr, format!("the methods of this service are in its API: add this one there, with `#[{name}]`, and mark it `#[handles]` here"));
                        }
                        let attr = MethodAttr::parse(attr, name, private, errors);
                        methods.push(Method::parse(private, attr, &outer, &block.self_ty, function, errors));
                    }
                    Role::Handler => {
                        if service.api.is_none() {
                            errors.at(attr, "this service has no API of its own crate: write `#[public_method]` or `#[private_api_method]`, or name the API with `#[service(api = …)]`");
                        }
                        let attr = MethodAttr::parse_handles(attr, errors);
                        let mut method = Method::parse(false, attr, &outer, &block.self_ty, function, errors);
                        // The name of an alias for the message of the API.
                        let name = method.message.unraw().to_string().replace('_', "");
                        method.message = format_ident!("__{name}", span = method.message.span());
                        methods.push(method);
                    }
                    Role::Hook(kind) => {
                        if attr.meta.require_path_only().is_err() {
                            errors.at(attr, format!("`#[{name}]` takes no keys"));
                        }
                        reject_param_attrs(function, errors);
                        hooks.push(Hook::parse(kind, &outer, &block.self_ty, function));
                    }
                }
            }
            if roles.is_empty() {
                reject_param_attrs(function, errors);
            }
        }
        let allowed = allowed(&block.attrs);
        Self { attr: service, block, allowed, methods, hooks, is_api: false }
    }

    pub(crate) fn ty(&self) -> &Type {
        &self.block.self_ty
    }

    /// Returns the parameters of the block, `<S: Store>`, for the impls of a service.
    ///
    /// A generic type is a service if it can be the state of one. So that is reported once, for the
    /// parameters with which somebody starts it.
    pub(crate) fn generics(&self) -> Generics {
        let mut generics = self.block.generics.clone();
        if self.is_generic() {
            let ty = self.ty();
            generics.make_where_clause().predicates.push(syn::parse_quote!(#ty: ::callbox::State));
        }
        generics
    }

    /// Whether the block has parameters.
    pub(crate) fn is_generic(&self) -> bool {
        !self.block.generics.params.is_empty()
    }

    /// Returns the type's own name, without path and arguments.
    pub(crate) fn ident(&self) -> Option<&Ident> {
        last_segment(self.ty()).map(|segment| &segment.ident)
    }

    /// Returns the types that a message of this block is made of: parameters, result and error.
    pub(crate) fn message_types<'a>(&self, method: &'a Method) -> impl Iterator<Item = &'a Type> {
        let error = if let Output::Result { error, .. } = &method.output { Some(&**error) } else { None };
        method.sent().map(|param| &param.ty).chain([method.output.ok()]).chain(error)
    }

    /// Returns the name of a parameter of the block in a type. In a generic block `Self` has them
    /// as well.
    pub(crate) fn names_parameter(&self, ty: &Type) -> Option<String> {
        let params = self.block.generics.params.iter().filter_map(|param| match param {
            GenericParam::Type(ty) => Some(&ty.ident),
            GenericParam::Const(constant) => Some(&constant.ident),
            GenericParam::Lifetime(_) => None,
        });
        let params: Vec<_> = params.map(ToString::to_string).chain(["Self".to_owned()]).collect();
        first_ident(ty.to_token_stream(), &params)
    }

    /// Whether a message would have to be generic, which is an error.
    pub(crate) fn has_generic_messages(&self) -> bool {
        let is_generic = |ty| self.names_parameter(ty).is_some();
        self.is_generic() && self.methods.iter().any(|method| self.message_types(method).any(is_generic))
    }

    /// Returns the name of the service.
    pub(crate) fn name(&self) -> String {
        match &self.attr.name {
            Some(name) => name.value(),
            None => self.ident().map(|ident| ident.unraw().to_string()).unwrap_or_default(),
        }
    }

    /// Returns the doc comment of the block.
    pub(crate) fn doc(&self) -> String {
        doc_text(&self.block.attrs)
    }

    /// Returns the visibility of a method's message.
    pub(crate) fn vis<'a>(&'a self, method: &'a Method) -> &'a Visibility {
        self.attr.vis.as_ref().unwrap_or(&method.vis)
    }

    /// Returns the `allow` attributes that hold for a method: those of the block and its own.
    pub(crate) fn allowed<'a>(&'a self, method: &'a Method) -> Vec<&'a Attribute> {
        self.allowed.iter().chain(&method.allowed).collect()
    }

    /// Returns what happens to the state when the method panics, if the user has set it. The key of
    /// the block is only for methods that change the state.
    pub(crate) fn on_panic(&self, method: &Method) -> Option<OnPanic> {
        let changes = matches!(method.kind(), Some(MethodKind::Write | MethodKind::WriteAsync));
        method.attr.on_panic.as_ref().map(|set| set.value).or(self.attr.on_panic.filter(|_| changes))
    }
}

impl Hook {
    fn parse(kind: HookKind, outer: &[Attribute], service: &Type, function: &ImplItemFn) -> Self {
        let sig = function.sig.clone();
        Self { kind, cfgs: [outer, &cfgs(&function.attrs)].concat(), receiver: Receiver::of(&sig, service), sig }
    }

    /// Whether it returns a type with the name `Result`.
    pub(crate) fn may_fail(&self) -> bool {
        match &self.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => last_segment(ty).is_some_and(|segment| segment.ident == "Result"),
        }
    }
}

/// Returns the first of these names in some code.
fn first_ident(code: TokenStream, names: &[String]) -> Option<String> {
    code.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()).filter(|ident| names.contains(ident)),
        TokenTree::Group(group) => first_ident(group.stream(), names),
        _ => None,
    })
}

/// An attribute that gives a function its role.
pub(crate) struct RoleAttr {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) attr: Attribute,
    /// The condition as a `cfg`, if the attribute is inside a `cfg_attr`; else empty.
    pub(crate) condition: Vec<Attribute>,
}

/// Removes the attributes that give a function its role, and returns them: one, or several that
/// each have a condition.
pub(crate) fn take_role_attrs(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Vec<RoleAttr> {
    let (mut roles, mut kept) = (Vec::<RoleAttr>::new(), Vec::new());
    for attr in attrs.drain(..) {
        let (ours, others): (Vec<_>, Vec<_>) =
            Conditional::all(&attr).into_iter().partition(|one| role_of(one).is_some());
        if ours.is_empty() {
            kept.push(attr);
            continue;
        }
        kept.extend(others.into_iter().map(Conditional::into_attribute));
        for one in ours {
            let Some((name, role)) = role_of(&one) else { continue };
            if let Some(first) = roles.iter().find(|first| first.condition.is_empty() || one.condition.is_none()) {
                errors.at(&one.attr, format!("this function is already marked `#[{}]`", first.name));
                continue;
            }
            let condition = one.condition.map(|condition| syn::parse_quote!(#[cfg(#condition)])).into_iter().collect();
            roles.push(RoleAttr { name, role, attr: one.attr, condition });
        }
    }
    *attrs = kept;
    roles
}

fn role_of(one: &Conditional) -> Option<(&'static str, Role)> {
    ROLES.into_iter().find(|(name, _)| one.is(name))
}

fn reject_param_attrs(function: &mut ImplItemFn, errors: &mut Errors) {
    for input in &mut function.sig.inputs {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        for param in take_attrs(attrs, |attr| attr.path().is_ident("param")) {
            let message = "`#[param]` is only for exposed methods: mark this function `#[public_method]` or \
                           `#[private_api_method]`, or remove the `#[param]`";
            errors.at(param, message);
        }
    }
}

/// Removes the attributes for which `which` returns true, and returns them.
pub(crate) fn take_attrs(attrs: &mut Vec<Attribute>, which: impl Fn(&Attribute) -> bool) -> Vec<Attribute> {
    attrs.extract_if(.., |attr| which(attr)).collect()
}

/// Returns the doc comment among these attributes as one text, without the one space after `///`.
pub(crate) fn doc_text(attrs: &[Attribute]) -> String {
    let docs = attrs.iter().filter(|attr| attr.path().is_ident("doc"));
    let lines = docs.filter_map(|attr| match &attr.meta.require_name_value().ok()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
