//! What was written, as the macro understands it. Holds the user's own tokens, so that every span is theirs; judges
//! nothing (that is [`check`](crate::check)'s).

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Pat, PatType, PathArguments,
    ReceiverKind, ReturnType, Signature, Type, Visibility,
};

use crate::attr::{MethodAttr, OnPanic, ParamAttr, ServiceAttr};
use crate::errors::Errors;

/// The `impl` block and what is marked in it.
pub(crate) struct Service {
    pub(crate) attr: ServiceAttr,
    /// The block without our attributes.
    pub(crate) block: ItemImpl,
    pub(crate) methods: Vec<Method>,
    pub(crate) hooks: Vec<Hook>,
}

/// An exposed method.
pub(crate) struct Method {
    pub(crate) private: bool,
    pub(crate) attr: MethodAttr,
    /// Those of the block and those of the method.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) receiver: Receiver,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Output,
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

/// As `callbox::Kind`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Read,
    Write,
    ReadAsync,
    WriteAsync,
    Compute,
}

/// A parameter beside `self`.
pub(crate) struct Param {
    /// Nothing if the pattern is not a plain name.
    pub(crate) name: Option<Ident>,
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    /// Only if there is a `#[param]`.
    pub(crate) attr: Option<ParamAttr>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) cfg: Option<Attribute>,
}

/// What a method returns.
pub(crate) enum Output {
    Plain(Type),
    Result {
        ok: Box<Type>,
        error: Box<Type>,
    },
    /// Something called `Result`, but not `Result<T, E>`.
    ShortResult(Type),
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
            match take_marker(&mut function.attrs, errors) {
                Some((name, Marker::Method { private }, marker)) => {
                    let attr = MethodAttr::parse(&marker, name, private, errors);
                    methods.push(Method::parse(private, attr, &outer, function, errors));
                }
                Some((name, Marker::Hook(on), marker)) => {
                    if marker.meta.require_path_only().is_err() {
                        errors.at(&marker, format!("`#[{name}]` has no keys"));
                    }
                    refuse_param_attrs(function, errors);
                    hooks.push(Hook::parse(on, &outer, function));
                }
                None => refuse_param_attrs(function, errors),
            }
        }
        Self { attr, block, methods, hooks }
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

    /// The visibility of a method's message.
    pub(crate) fn vis<'a>(&'a self, method: &'a Method) -> &'a Visibility {
        self.attr.vis.as_ref().unwrap_or(&method.vis)
    }

    /// What becomes of the state when the method panics, if that was said.
    pub(crate) fn on_panic(&self, method: &Method) -> Option<OnPanic> {
        let changes = matches!(method.kind(), Some(Kind::Write | Kind::WriteAsync));
        method.attr.on_panic.as_ref().map(|set| set.value).or(self.attr.on_panic.filter(|_| changes))
    }
}

impl Method {
    fn parse(
        private: bool,
        attr: MethodAttr,
        outer: &[Attribute],
        function: &mut ImplItemFn,
        errors: &mut Errors,
    ) -> Self {
        let mut params = Vec::new();
        for input in &mut function.sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    for param in take_attrs(&mut receiver.attrs, |attr| attr.path().is_ident("param")) {
                        errors.at(param, "`self` is not a parameter of the method");
                    }
                }
                FnArg::Typed(typed) => params.push(Param::parse(typed, errors)),
            }
        }
        let sig = function.sig.clone();
        Self {
            private,
            cfgs: [outer, &cfgs(&function.attrs)].concat(),
            docs: docs(&function.attrs),
            vis: function.vis.clone(),
            receiver: Receiver::of(&sig),
            output: Output::of(&sig.output),
            message: attr.message.clone().unwrap_or_else(|| upper_camel(&sig.ident)),
            attr,
            params,
            sig,
        }
    }

    /// The name on the wire, at the span to blame for it.
    pub(crate) fn wire_name(&self) -> LitStr {
        let ident = &self.sig.ident;
        self.attr.name.clone().unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()))
    }

    /// How it touches the state; nothing if it cannot be exposed.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match (self.receiver, self.sig.asyncness.is_some(), self.attr.compute.is_some()) {
            (Receiver::Shared, false, false) => Some(Kind::Read),
            (Receiver::Exclusive, false, false) => Some(Kind::Write),
            (Receiver::Shared, true, false) => Some(Kind::ReadAsync),
            (Receiver::Exclusive, true, false) => Some(Kind::WriteAsync),
            (Receiver::None, false, true) => Some(Kind::Compute),
            _ => None,
        }
    }

    /// The parameters that callers send, in order.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.injected().is_none())
    }

    /// The doc comment as one text: what the user wrote, without the one space after `///`.
    pub(crate) fn doc(&self) -> String {
        let lines = self.docs.iter().filter_map(|attr| match &attr.meta.require_name_value().ok()?.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        });
        let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
        lines.join("\n").trim().to_owned()
    }
}

impl Receiver {
    fn of(sig: &Signature) -> Self {
        match sig.receiver().map(|receiver| &receiver.kind) {
            None => Self::None,
            Some(ReceiverKind::Reference(_, _, None)) => Self::Shared,
            Some(ReceiverKind::Reference(_, _, Some(_))) => Self::Exclusive,
            Some(_) => Self::Other,
        }
    }
}

impl Param {
    fn parse(typed: &mut PatType, errors: &mut Errors) -> Self {
        let mut attr = None;
        for param in take_attrs(&mut typed.attrs, |attr| attr.path().is_ident("param")) {
            if attr.is_some() {
                errors.at(&param, "a parameter has one `#[param(…)]`, with all its keys");
            }
            attr.get_or_insert(ParamAttr::parse(&param, errors));
        }
        // Rust knows no doc comments here, so they must not stay.
        let docs = take_attrs(&mut typed.attrs, |attr| attr.path().is_ident("doc"));
        let name = match &*typed.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(name.ident.clone()),
            _ => None,
        };
        let cfg = cfgs(&typed.attrs).into_iter().next();
        Self { name, pat: (*typed.pat).clone(), ty: (*typed.ty).clone(), attr, docs, cfg }
    }

    /// The type behind the reference, if it is one: such a parameter is injected.
    pub(crate) fn injected(&self) -> Option<&Type> {
        match bare(&self.ty) {
            Type::Reference(reference) => Some(&reference.elem),
            _ => None,
        }
    }

    /// The name on the wire.
    pub(crate) fn wire_name(&self) -> Option<String> {
        match self.attr.as_ref().and_then(|attr| attr.rename.as_ref()) {
            Some(rename) => Some(rename.value.value()),
            None => self.name.as_ref().map(|name| name.unraw().to_string()),
        }
    }

    pub(crate) fn is_rest(&self) -> bool {
        self.attr.as_ref().is_some_and(|attr| attr.rest.is_some())
    }

    /// Whether a caller may leave it out.
    pub(crate) fn is_optional(&self) -> bool {
        self.is_option() || self.attr.as_ref().is_some_and(|attr| attr.default.is_some())
    }

    pub(crate) fn is_option(&self) -> bool {
        last_segment(&self.ty).is_some_and(|segment| segment.ident == "Option")
    }
}

impl Output {
    fn of(output: &ReturnType) -> Self {
        let ty = match output {
            ReturnType::Default => return Self::Plain(syn::parse_quote_spanned!(output.span()=> ())),
            ReturnType::Type(_, ty) => ty,
        };
        let Some(segment) = last_segment(ty).filter(|segment| segment.ident == "Result") else {
            return Self::Plain((**ty).clone());
        };
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
            return Self::ShortResult((**ty).clone());
        };
        let mut arguments = arguments.args.iter();
        match (arguments.next(), arguments.next(), arguments.next()) {
            (Some(GenericArgument::Type(ok)), Some(GenericArgument::Type(error)), None) => {
                Self::Result { ok: Box::new(ok.clone()), error: Box::new(error.clone()) }
            }
            _ => Self::ShortResult((**ty).clone()),
        }
    }

    /// What the caller gets when all goes well.
    pub(crate) fn ok(&self) -> &Type {
        match self {
            Self::Plain(ty) | Self::ShortResult(ty) => ty,
            Self::Result { ok, .. } => ok,
        }
    }
}

impl Hook {
    fn parse(on: On, outer: &[Attribute], function: &ImplItemFn) -> Self {
        let sig = function.sig.clone();
        Self { on, cfgs: [outer, &cfgs(&function.attrs)].concat(), receiver: Receiver::of(&sig), sig }
    }

    /// Whether it returns something called `Result`.
    pub(crate) fn may_fail(&self) -> bool {
        match &self.sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => last_segment(ty).is_some_and(|segment| segment.ident == "Result"),
        }
    }
}

/// The type without parentheses and without the invisible groups that `macro_rules!` puts around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The one attribute that says what a function is to the service.
fn take_marker(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<(&'static str, Marker, Attribute)> {
    let of = |attr: &Attribute| MARKERS.into_iter().find(|(name, _)| attr.path().is_ident(name));
    let mut markers = take_attrs(attrs, |attr| of(attr).is_some()).into_iter();
    let first = markers.next()?;
    let (name, marker) = of(&first)?;
    for other in markers {
        errors.at(&other, format!("this function is already marked `#[{name}]`"));
    }
    Some((name, marker, first))
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

fn take_attrs(attrs: &mut Vec<Attribute>, which: impl Fn(&Attribute) -> bool) -> Vec<Attribute> {
    attrs.extract_if(.., |attr| which(attr)).collect()
}

fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

fn docs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect()
}

/// `say_hello` → `SayHello`
fn upper_camel(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    let capitalised = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let camel: String = name.split('_').map(capitalised).collect();
    // All underscores, or a digit in front: no name of a type can be made of it.
    syn::parse_str::<Ident>(&camel).map_or_else(|_| ident.clone(), |camel| Ident::new(&camel.to_string(), ident.span()))
}

/// The same type with the service in place of `Self`, which means something else in a message.
pub(crate) fn without_self(ty: TokenStream, service: &Type) -> TokenStream {
    use proc_macro2::{Group, TokenTree};
    use quote::ToTokens;

    ty.into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => service.to_token_stream(),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_self(group.stream(), service));
                inner.set_span(group.span());
                TokenTree::Group(inner).into()
            }
            token => token.into(),
        })
        .collect()
}
