//! The model of one exposed method.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Block, FnArg, GenericArgument, Ident, ImplItemFn, LitStr, Pat, PatType, PathArguments, ReceiverKind,
    ReturnType, Signature, Stmt, Type, Visibility,
};

use crate::attr::{MethodAttr, ParamAttr};
use crate::conditional::{Conditional, allowed, cfgs, named};
use crate::errors::Errors;
use crate::model::{doc_text, take_attrs};
use crate::names::message_name_of;
use crate::subscription::Items;
use crate::types::{bare, last_segment, option_of};

/// An exposed method.
pub(crate) struct Method {
    pub(crate) private: bool,
    pub(crate) attr: MethodAttr,
    /// The `cfg` attributes of the block and of the method.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    /// The `#[deprecated]` attribute, or several under conditions.
    pub(crate) deprecated: Vec<Attribute>,
    /// The `allow` and `expect` attributes, as `allow`.
    pub(crate) allowed: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) receiver: Receiver,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Output,
    /// The items, if the output is a `Subscription`.
    pub(crate) items: Option<Items>,
    /// The name of the message struct.
    pub(crate) message: Ident,
}

/// How a function takes `self`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Receiver {
    None,
    Shared,
    Exclusive,
    /// By value, in a `Box`, …
    Other,
}

/// How a method uses the state. Same as `callbox::MethodKind`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum MethodKind {
    Read,
    Write,
    ReadAsync,
    WriteAsync,
    Compute,
}

/// A parameter other than `self`.
pub(crate) struct Param {
    /// The name; `None` if the pattern is not a plain name.
    pub(crate) name: Option<Ident>,
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    /// The `#[param]` attribute.
    pub(crate) attr: Option<ParamAttr>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) cfg: Option<Attribute>,
}

/// The return type of a method.
pub(crate) enum Output {
    Plain(Box<Type>),
    Result { ok: Box<Type>, error: Box<Type> },
}

impl Method {
    pub(crate) fn parse(
        private: bool,
        attr: MethodAttr,
        outer: &[Attribute],
        service: &Type,
        function: &mut ImplItemFn,
        errors: &mut Errors,
    ) -> Self {
        let mut params = Vec::new();
        for input in &mut function.sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    for param in take_attrs(&mut receiver.attrs, |attr| attr.path().is_ident("param")) {
                        errors.at(param, "`self` is not a parameter that callers send: remove the `#[param]`");
                    }
                }
                FnArg::Typed(typed) => params.push(Param::parse(typed, errors)),
            }
        }
        consume_for_clippy(&params, &mut function.block);
        let sig = function.sig.clone();
        let (output, items) = Output::of(&sig.output).with_items();
        Self {
            private,
            cfgs: [outer, &cfgs(&function.attrs)].concat(),
            docs: named(&function.attrs, &["doc"]),
            deprecated: named(&function.attrs, &["deprecated"]),
            allowed: allowed(&function.attrs),
            vis: function.vis.clone(),
            receiver: Receiver::of(&sig, service),
            output,
            items,
            message: attr.message.clone().unwrap_or_else(|| message_name_of(service, &sig.ident)),
            attr,
            params,
            sig,
        }
    }

    /// Returns the name on the wire, with the span of the tokens that set it.
    pub(crate) fn wire_name(&self) -> LitStr {
        let ident = &self.sig.ident;
        self.attr.name.clone().unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()))
    }

    /// Returns how the method uses the state; nothing if it cannot be exposed.
    pub(crate) fn kind(&self) -> Option<MethodKind> {
        match (self.receiver, self.sig.asyncness.is_some(), self.attr.compute.is_some()) {
            (Receiver::Shared, false, false) => Some(MethodKind::Read),
            (Receiver::Exclusive, false, false) => Some(MethodKind::Write),
            (Receiver::Shared, true, false) => Some(MethodKind::ReadAsync),
            (Receiver::Exclusive, true, false) => Some(MethodKind::WriteAsync),
            (Receiver::None, false, true) => Some(MethodKind::Compute),
            _ => None,
        }
    }

    /// Returns the parameters that callers send, in order.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.injected().is_none())
    }

    /// Returns the doc comment.
    pub(crate) fn doc(&self) -> String {
        doc_text(&self.docs)
    }
}

/// Adds a use by value of each parameter that callers send, for clippy alone. Without it clippy
/// would advise to take a parameter by reference if the method only reads it, but callers send
/// owned values.
fn consume_for_clippy(params: &[Param], block: &mut Block) {
    let plain = params.iter().filter(|param| param.injected().is_none()).filter_map(|param| match &param.pat {
        Pat::Ident(pat) if pat.mutability.is_none() && !pat.ident.to_string().starts_with('_') => param.name.as_ref(),
        _ => None,
    });
    let uses = plain.map(|name| syn::parse_quote!(#[cfg(clippy)] let #name = #name;));
    block.stmts.splice(..0, uses.collect::<Vec<Stmt>>());
}

impl Receiver {
    /// Returns how a function of this type takes `self`.
    pub(crate) fn of(sig: &Signature, service: &Type) -> Self {
        match sig.receiver().map(|receiver| &receiver.kind) {
            None => Self::None,
            Some(ReceiverKind::Reference(_, _, None)) => Self::Shared,
            Some(ReceiverKind::Reference(_, _, Some(_))) => Self::Exclusive,
            Some(ReceiverKind::Typed(_, ty)) => Self::typed(ty, service),
            Some(_) => Self::Other,
        }
    }

    /// Returns the receiver of `self: &Self`, which is `&self`, and of other typed ones.
    fn typed(ty: &Type, service: &Type) -> Self {
        let Type::Reference(reference) = bare(ty) else { return Self::Other };
        let [elem, service] = [&reference.elem, service].map(|ty| bare(ty).to_token_stream().to_string());
        if elem != "Self" && elem != service {
            Self::Other
        } else if reference.mutability.is_some() {
            Self::Exclusive
        } else {
            Self::Shared
        }
    }
}

impl Param {
    fn parse(typed: &mut PatType, errors: &mut Errors) -> Self {
        let mut attr = None;
        for param in take_attrs(&mut typed.attrs, |attr| attr.path().is_ident("param")) {
            if attr.is_some() {
                errors.at(&param, "a parameter has one `#[param(…)]`: write all keys into it");
            }
            attr.get_or_insert(ParamAttr::parse(&param, errors));
        }
        let conditional = |attr: &Attribute| Conditional::all(attr).iter().any(|one| one.is("param"));
        for param in take_attrs(&mut typed.attrs, conditional) {
            let message = "`#[param(…)]` cannot be conditional: write it without `cfg_attr`, or write two methods, each \
                           with its own `#[cfg(…)]`";
            errors.at(&param, message);
        }
        // Rust has no doc comments on parameters, so the block must not keep them.
        let docs = take_attrs(&mut typed.attrs, |attr| attr.path().is_ident("doc"));
        let name = match &*typed.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(name.ident.clone()),
            _ => None,
        };
        let cfg = cfgs(&typed.attrs).into_iter().next();
        Self { name, pat: (*typed.pat).clone(), ty: (*typed.ty).clone(), attr, docs, cfg }
    }

    /// Returns the type behind the reference of an injected parameter. A parameter that is no
    /// reference is not injected.
    pub(crate) fn injected(&self) -> Option<&Type> {
        match bare(&self.ty) {
            Type::Reference(reference) => Some(&reference.elem),
            _ => None,
        }
    }

    /// Returns the name on the wire.
    pub(crate) fn wire_name(&self) -> Option<String> {
        match self.attr.as_ref().and_then(|attr| attr.rename.as_ref()) {
            Some(rename) => Some(rename.value.value()),
            None => self.name.as_ref().map(|name| name.unraw().to_string()),
        }
    }

    pub(crate) fn is_rest(&self) -> bool {
        self.attr.as_ref().is_some_and(|attr| attr.rest.is_some())
    }

    /// Whether a caller may omit it.
    pub(crate) fn is_optional(&self) -> bool {
        self.is_option() || self.attr.as_ref().is_some_and(|attr| attr.default.is_some())
    }

    pub(crate) fn is_option(&self) -> bool {
        last_segment(&self.ty).is_some_and(|segment| segment.ident == "Option")
    }

    /// Whether it distinguishes null from a missing value.
    pub(crate) fn is_option_of_an_option(&self) -> bool {
        option_of(&self.ty).and_then(option_of).is_some()
    }
}

impl Output {
    fn of(output: &ReturnType) -> Self {
        let ty = match output {
            ReturnType::Default => return Self::Plain(Box::new(syn::parse_quote_spanned!(output.span()=> ()))),
            ReturnType::Type(_, ty) => ty,
        };
        let Some(segment) = last_segment(ty).filter(|segment| segment.ident == "Result") else {
            return Self::Plain(ty.clone());
        };
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
            return Self::alias(ty);
        };
        let mut arguments = arguments.args.iter();
        match (arguments.next(), arguments.next(), arguments.next()) {
            (Some(GenericArgument::Type(ok)), Some(GenericArgument::Type(error)), None) => {
                Self::Result { ok: Box::new(ok.clone()), error: Box::new(error.clone()) }
            }
            _ => Self::alias(ty),
        }
    }

    /// Returns the output of a type with the name `Result`, but without two arguments, such as
    /// `Result<T>` of a crate with one error type. The compiler knows what is behind the name.
    fn alias(ty: &Type) -> Self {
        let ok = syn::parse_quote_spanned!(ty.span()=> <#ty as ::callbox_client::__private::ResultAlias>::Ok);
        let error = syn::parse_quote_spanned!(ty.span()=> <#ty as ::callbox_client::__private::ResultAlias>::Error);
        Self::Result { ok: Box::new(ok), error: Box::new(error) }
    }

    /// Returns the same output, and its items if it is a subscription. The output is a
    /// `Subscription` then, also where another stream is written.
    fn with_items(mut self) -> (Self, Option<Items>) {
        let items = Items::of(self.ok());
        if let Some(items) = &items {
            let (Self::Plain(ok) | Self::Result { ok, .. }) = &mut self;
            **ok = items.subscription(ok);
        }
        (self, items)
    }

    /// Returns the type of the result of a call that succeeds.
    pub(crate) fn ok(&self) -> &Type {
        match self {
            Self::Plain(ty) => ty,
            Self::Result { ok, .. } => ok,
        }
    }
}
