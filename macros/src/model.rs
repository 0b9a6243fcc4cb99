//! What was written, as the macro understands it. Holds the user's own tokens, so that every span is theirs; judges
//! nothing (that is [`check`](crate::check)'s).

use syn::ext::IdentExt;
use syn::{
    Attribute, Expr, ExprLit, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Lit, ReturnType, Signature, Type,
    Visibility,
};

use crate::attr::{MethodAttr, OnPanic, ServiceAttr};
use crate::conditional::{Conditional, allowed, cfgs};
use crate::errors::Errors;
use crate::method::{Kind, Method, Receiver};
use crate::types::last_segment;

/// The `impl` block and what is marked in it.
pub(crate) struct Service {
    pub(crate) attr: ServiceAttr,
    /// The block without our attributes.
    pub(crate) block: ItemImpl,
    /// What the user lets pass in the block.
    pub(crate) allowed: Vec<Attribute>,
    pub(crate) methods: Vec<Method>,
    pub(crate) hooks: Vec<Hook>,
}

/// A function marked `#[on_start]` or `#[on_stop]`.
pub(crate) struct Hook {
    pub(crate) on: On,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) sig: Signature,
    pub(crate) receiver: Receiver,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum On {
    Start,
    Stop,
}

#[derive(Clone, Copy)]
enum Marker {
    Method { private: bool },
    Hook(On),
}

const MARKERS: [(&str, Marker); 4] = [
    ("public_method", Marker::Method { private: false }),
    ("private_api_method", Marker::Method { private: true }),
    ("on_start", Marker::Hook(On::Start)),
    ("on_stop", Marker::Hook(On::Stop)),
];

impl Service {
    /// Reads the block and takes our attributes out of it.
    pub(crate) fn parse(attr: ServiceAttr, mut block: ItemImpl, errors: &mut Errors) -> Self {
        let outer = cfgs(&block.attrs);
        let (mut methods, mut hooks) = (Vec::new(), Vec::new());
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else { continue };
            let markings = take_markings(&mut function.attrs, errors);
            // Under each condition it may be marked otherwise.
            let written = function.clone();
            for Marking { name, marker, attr, when } in &markings {
                *function = written.clone();
                let outer = [&outer[..], when].concat();
                match *marker {
                    Marker::Method { private } => {
                        let attr = MethodAttr::parse(attr, name, private, errors);
                        methods.push(Method::parse(private, attr, &outer, &block.self_ty, function, errors));
                    }
                    Marker::Hook(on) => {
                        if attr.meta.require_path_only().is_err() {
                            errors.at(attr, format!("`#[{name}]` has no keys"));
                        }
                        refuse_param_attrs(function, errors);
                        hooks.push(Hook::parse(on, &outer, &block.self_ty, function));
                    }
                }
            }
            if markings.is_empty() {
                refuse_param_attrs(function, errors);
            }
        }
        let allowed = allowed(&block.attrs);
        Self { attr, block, allowed, methods, hooks }
    }

    pub(crate) fn ty(&self) -> &Type {
        &self.block.self_ty
    }

    /// The type's own name, without path and arguments.
    pub(crate) fn ident(&self) -> Option<&Ident> {
        last_segment(self.ty()).map(|segment| &segment.ident)
    }

    /// The name that the service goes by.
    pub(crate) fn name(&self) -> String {
        match &self.attr.name {
            Some(name) => name.value(),
            None => self.ident().map(|ident| ident.unraw().to_string()).unwrap_or_default(),
        }
    }

    /// The doc comment of the block.
    pub(crate) fn doc(&self) -> String {
        doc_text(&self.block.attrs)
    }

    /// The visibility of a method's message.
    pub(crate) fn vis<'a>(&'a self, method: &'a Method) -> &'a Visibility {
        self.attr.vis.as_ref().unwrap_or(&method.vis)
    }

    /// What the user lets pass at a method.
    pub(crate) fn allowed<'a>(&'a self, method: &'a Method) -> Vec<&'a Attribute> {
        self.allowed.iter().chain(&method.allowed).collect()
    }

    /// What becomes of the state when the method panics, if that was said.
    pub(crate) fn on_panic(&self, method: &Method) -> Option<OnPanic> {
        let changes = matches!(method.kind(), Some(Kind::Write | Kind::WriteAsync));
        method.attr.on_panic.as_ref().map(|set| set.value).or(self.attr.on_panic.filter(|_| changes))
    }
}

impl Hook {
    fn parse(on: On, outer: &[Attribute], service: &Type, function: &ImplItemFn) -> Self {
        let sig = function.sig.clone();
        Self { on, cfgs: [outer, &cfgs(&function.attrs)].concat(), receiver: Receiver::of(&sig, service), sig }
    }

    /// Whether it returns something called `Result`.
    pub(crate) fn may_fail(&self) -> bool {
        match &self.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => last_segment(ty).is_some_and(|segment| segment.ident == "Result"),
        }
    }
}

/// An attribute that says what a function is to the service.
struct Marking {
    name: &'static str,
    marker: Marker,
    attr: Attribute,
    /// The `cfg` under which it says so, if it stands in a `cfg_attr`.
    when: Vec<Attribute>,
}

/// Takes out what says what a function is to the service: one attribute, or several of which each
/// has a condition.
fn take_markings(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Vec<Marking> {
    let (mut markings, mut kept) = (Vec::<Marking>::new(), Vec::new());
    for attr in attrs.drain(..) {
        let (ours, others): (Vec<_>, Vec<_>) =
            Conditional::all(&attr).into_iter().partition(|one| marker_of(one).is_some());
        if ours.is_empty() {
            kept.push(attr);
            continue;
        }
        kept.extend(others.into_iter().map(Conditional::into_attribute));
        for one in ours {
            let Some((name, marker)) = marker_of(&one) else { continue };
            if let Some(first) = markings.iter().find(|first| first.when.is_empty() || one.when.is_none()) {
                errors.at(&one.attr, format!("this function is already marked `#[{}]`", first.name));
                continue;
            }
            let when = one.when.map(|when| syn::parse_quote!(#[cfg(#when)])).into_iter().collect();
            markings.push(Marking { name, marker, attr: one.attr, when });
        }
    }
    *attrs = kept;
    markings
}

fn marker_of(one: &Conditional) -> Option<(&'static str, Marker)> {
    MARKERS.into_iter().find(|(name, _)| one.is(name))
}

fn refuse_param_attrs(function: &mut ImplItemFn, errors: &mut Errors) {
    for input in &mut function.sig.inputs {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        for param in take_attrs(attrs, |attr| attr.path().is_ident("param")) {
            let message = "`#[param]` is for the parameters of exposed methods; this function is marked neither \
                           `#[public_method]` nor `#[private_api_method]`";
            errors.at(param, message);
        }
    }
}

pub(crate) fn take_attrs(attrs: &mut Vec<Attribute>, which: impl Fn(&Attribute) -> bool) -> Vec<Attribute> {
    attrs.extract_if(.., |attr| which(attr)).collect()
}

/// The doc comment among these attributes as one text: what the user wrote, without the one space after `///`.
pub(crate) fn doc_text(attrs: &[Attribute]) -> String {
    let docs = attrs.iter().filter(|attr| attr.path().is_ident("doc"));
    let lines = docs.filter_map(|attr| match &attr.meta.require_name_value().ok()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
