//! The rules of parameters, such as `#[param(range = 1..=100)]`: the functions of a message that
//! make and check them, and how they are documented.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Expr, ExprRange, RangeLimits, Type};

use crate::attr::{Rule, RuleKind, Rules};
use crate::message::sendable;
use crate::method::{Method, Param};
use crate::model::Service;
use crate::spans;
use crate::types::{option_of, without_self};

/// Returns the functions of a message that make the rules of its parameters.
pub(crate) fn rules(service: &Service, method: &Method) -> TokenStream {
    let functions: Vec<_> = with_rules(method)
        .map(|(name, param, rules)| {
            let (function, ty) = (rule_fn(name), without_self(param.ty.to_token_stream(), service.ty()));
            let (rule, on) = (all_of(service, rules, &param.ty), on());
            quote! {
                fn #function() -> impl ::callbox_client::__private::rules::ParamRule<#ty> {
                    let #on = ::callbox_client::__private::rules::RulesOf::<#ty>::HERE;
                    #rule
                }
            }
        })
        .collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    let (cfgs, allowed, message) = (&method.cfgs, service.allowed(method), spans::ident(&method.message));
    quote!(#(#cfgs)* #(#allowed)* #[automatically_derived] impl #message { #(#functions)* })
}

/// Returns the function of `Message` that checks the rules.
pub(crate) fn validate(method: &Method) -> Option<TokenStream> {
    let checks: Vec<_> = with_rules(method)
        .filter_map(|(name, param, _)| {
            let (function, wire_name, name) = (rule_fn(name), param.wire_name()?, spans::ident(name));
            Some(quote!(::callbox_client::__private::rules::check_param(&Self::#function(), #wire_name, &self.#name)?;))
        })
        .collect();
    (!checks.is_empty()).then(|| {
        quote! {
            fn validate(&self) -> ::core::result::Result<(), ::callbox_client::InvalidParam> {
                #(#checks)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// Returns the attributes of schemars for a field: its rules, and the function that makes its
/// schema.
pub(crate) fn schema_attrs(service: &Service, method: &Method, name: &Ident, param: &Param) -> TokenStream {
    let Some(attr) = &param.attr else { return TokenStream::new() };
    let with = attr.schema_with.as_ref().map(|path| {
        let function = without_self(path.to_token_stream(), service.ty()).to_string();
        quote!(#[schemars(schema_with = #function)])
    });
    let rules = (!attr.rules.all.is_empty()).then(|| {
        let (message, function) = (spans::ident(&method.message), rule_fn(name));
        quote!(#[schemars(transform = ::callbox_client::__private::rules::describe(#message::#function()))])
    });
    quote!(#with #rules)
}

/// Returns the docs of a function that takes the parameters: their rules.
pub(crate) fn docs(method: &Method) -> TokenStream {
    let lines: Vec<_> =
        with_rules(method).map(|(name, _, rules)| format!("- `{}`: {}", name.unraw(), in_words(rules))).collect();
    if lines.is_empty() {
        return TokenStream::new();
    }
    let head = "The parameters have rules, which the service checks before the method runs:";
    quote!(#[doc = ""] #[doc = #head] #[doc = ""] #(#[doc = #lines])*)
}

/// Returns the parameters that have rules.
fn with_rules(method: &Method) -> impl Iterator<Item = (&Ident, &Param, &Rules)> {
    sendable(method).filter_map(|(name, param)| {
        let rules = &param.attr.as_ref()?.rules;
        (!rules.all.is_empty()).then_some((name, param, rules))
    })
}

fn rule_fn(param: &Ident) -> Ident {
    format_ident!("__rule_of_{}", param.unraw(), span = Span::call_site())
}

/// Returns the variable with the type of the rules. Those of the user do not see it.
fn on() -> Ident {
    Ident::new("on", Span::mixed_site())
}

/// Returns the expression of several rules as one, for the variable [`on`].
fn all_of(service: &Service, rules: &Rules, ty: &Type) -> TokenStream {
    let rules = rules.all.iter().map(|rule| expression(service, rule, Some(ty)));
    rules.reduce(|all, rule| quote!(::callbox_client::__private::rules::Both(#all, #rule))).unwrap_or_default()
}

/// Returns the expression of a rule. Its spans are those of the key, where the compiler reports
/// that the rule does not fit the type.
fn expression(service: &Service, Rule { key, kind }: &Rule, ty: Option<&Type>) -> TokenStream {
    let (key, on) = (spans::ident(key), on());
    match kind {
        RuleKind::Range(range) | RuleKind::Length(range) => {
            let (min, max) = bounds(service, range);
            quote!(#on.#key(#min, #max))
        }
        RuleKind::Pattern(pattern) => quote!(#on.#key({
            static PATTERN: ::callbox_client::__private::rules::Pattern = ::callbox_client::__private::rules::Pattern::new(#pattern);
            &PATTERN
        })),
        RuleKind::Each(rules) => {
            let inner = rules.all.iter().map(|rule| expression(service, rule, None));
            let inner = inner.reduce(|all, rule| quote!(::callbox_client::__private::rules::Both(#all, #rule)));
            quote!(#on.#key(|#on| #inner))
        }
        RuleKind::Validate(path) => {
            let path = without_self(path.to_token_stream(), service.ty());
            let (mut inner, mut options) = (ty, 0);
            while let Some(of) = inner.and_then(option_of) {
                (inner, options) = (Some(of), options + 1);
            }
            let on = match inner.filter(|_| options > 0) {
                Some(inner) => {
                    let inner = without_self(inner.to_token_stream(), service.ty());
                    quote!(::callbox_client::__private::rules::RulesOf::<#inner>::HERE)
                }
                None => on.to_token_stream(),
            };
            let rule = quote!(#on.#key(#path));
            (0..options).fold(rule, |rule, _| quote!(::callbox_client::__private::rules::IfPresent(#rule)))
        }
    }
}

fn bounds(service: &Service, range: &ExprRange) -> (TokenStream, TokenStream) {
    let own = |bound: &Expr| without_self(bound.to_token_stream(), service.ty());
    let min = match range.start.as_deref().map(own) {
        Some(min) => quote!(::core::ops::Bound::Included(#min)),
        None => quote!(::core::ops::Bound::Unbounded),
    };
    let max = match (range.end.as_deref().map(own), &range.limits) {
        (Some(max), RangeLimits::Closed(_)) => quote!(::core::ops::Bound::Included(#max)),
        (Some(max), RangeLimits::HalfOpen(_)) => quote!(::core::ops::Bound::Excluded(#max)),
        (None, _) => quote!(::core::ops::Bound::Unbounded),
    };
    (min, max)
}

/// Returns rules as they are written.
fn in_words(rules: &Rules) -> String {
    let rule = |rule: &Rule| match &rule.kind {
        RuleKind::Range(range) => format!("`range = {}`", range_text(range)),
        RuleKind::Length(range) => format!("`length = {}`", range_text(range)),
        RuleKind::Pattern(pattern) => format!("`pattern = {}`", pattern.to_token_stream()),
        RuleKind::Validate(path) => format!("`validate = {}`", text(path)),
        RuleKind::Each(rules) => format!("each {}", in_words(rules)),
    };
    rules.all.iter().map(rule).collect::<Vec<_>>().join(", ")
}

fn range_text(range: &ExprRange) -> String {
    let bound = |bound: &Option<Box<Expr>>| bound.as_ref().map(text).unwrap_or_default();
    format!("{}{}{}", bound(&range.start), text(&range.limits), bound(&range.end))
}

/// Returns tokens as text, without the spaces between them.
fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}
