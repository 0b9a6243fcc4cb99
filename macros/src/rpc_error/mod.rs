//! `#[derive(RpcError)]`, in the same steps as `#[service]`: parse, check, expand.

mod describe;

use std::collections::HashSet;
use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parse;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Expr, Field, Fields, Ident, LitInt, LitStr, Member, Token};

use crate::attr::{Entries, Key, Keyed, entries, keys, set_entries};
use crate::errors::Errors;
use crate::from_rpc_error::from_rpc_error;
use crate::names::in_words;
use crate::spans;
use describe::describe;

/// The codes that JSON-RPC reserves for itself and for servers, such as callbox.
const RESERVED: RangeInclusive<i32> = -32768..=-32000;

pub(crate) const VARIANT_KEYS: &[Key<VariantAttr>] = keys! {
    "code", "code = 404" => |attr, value| {
        // A code that is wrong is also stored, so that it is not reported as missing as well.
        let code = attr.code.insert(value.keyed(0));
        code.value = integer(value.expr()?).ok_or_else(|| value.wrong())??;
    };
    "message", r#"message = "No such user: {id}""# => |attr, value| attr.message = Some(value.keyed(value.string()?));
    "transparent", "transparent" => |attr, value| attr.transparent = Some(value.keyed(value.flag()?));
};

pub(crate) const FIELD_KEYS: &[Key<Option<Keyed<()>>>] = keys! {
    "data", "data" => |data, value| *data = Some(value.keyed(value.flag()?));
};

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) attr: VariantAttr,
    pub(crate) fields: Vec<VariantField>,
    /// Whether the fields have names.
    pub(crate) named: bool,
}

#[derive(Default)]
pub(crate) struct VariantAttr {
    /// `None` if the variant is transparent.
    pub(crate) code: Option<Keyed<i32>>,
    message: Option<Keyed<LitStr>>,
    transparent: Option<Keyed<()>>,
}

pub(crate) struct VariantField {
    pub(crate) member: Member,
    /// The variable of the field in a match arm: its name, or `field0`.
    pub(crate) binding: Ident,
    pub(crate) field: Field,
    pub(crate) data: Option<Keyed<()>>,
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let variants = parse(input, &mut errors);
    for variant in &variants {
        check(variant, &mut errors);
    }
    let (body, from_rpc_error) = if errors.is_empty() {
        let arms = variants.iter().map(|variant| arm(&input.ident, variant));
        (quote!(match error { #(#arms)* }), from_rpc_error(input, &variants))
    } else {
        (quote!(::core::unreachable!()), from_rpc_error(input, &[]))
    };
    let described = errors.is_empty().then(|| describe(input, &variants));
    let ident = spans::ident(&input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<#ident #ty_generics> for ::callbox_client::RpcError #where_clause {
            fn from(error: #ident #ty_generics) -> Self { #body }
        }
        #described
        #from_rpc_error
    }
}

fn parse(input: &DeriveInput, errors: &mut Errors) -> Vec<Variant> {
    let Data::Enum(data) = &input.data else {
        errors.at(&input.ident, "`RpcError` can only be derived for an enum, with one variant for each error");
        return Vec::new();
    };
    for attr in input.attrs.iter().filter(|attr| is_rpc(attr)) {
        errors.at(attr, "`#[rpc(…)]` belongs on the variants, because each has its own code");
    }
    let variants = data.variants.iter().map(|variant| {
        let fields = variant.fields.members().zip(&variant.fields);
        Variant {
            ident: variant.ident.clone(),
            attr: VariantAttr::parse(&variant.attrs, errors),
            fields: fields.map(|(member, field)| VariantField::parse(member, field, errors)).collect(),
            named: matches!(variant.fields, Fields::Named(_)),
        }
    });
    variants.collect()
}

fn is_rpc(attr: &Attribute) -> bool {
    attr.path().is_ident("rpc")
}

impl VariantAttr {
    fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = Self::default();
        let mut all = Entries::new();
        for attr in attrs.iter().filter(|attr| is_rpc(attr)) {
            all.extend(entries(attr, errors));
        }
        set_entries(&mut parsed, "rpc", VARIANT_KEYS, all, errors);
        parsed
    }
}

/// Returns the whole number that an expression consists of, if it is one.
fn integer(expr: &Expr) -> Option<syn::Result<i32>> {
    let signed = |input: syn::parse::ParseStream<'_>| -> syn::Result<(bool, LitInt)> {
        Ok((input.parse::<Option<Token![-]>>()?.is_some(), LitInt::parse(input)?))
    };
    let (negative, digits) = syn::parse::Parser::parse2(signed, quote!(#expr)).ok()?;
    let number = if negative { format!("-{}", digits.base10_digits()) } else { digits.base10_digits().to_owned() };
    Some(number.parse().map_err(|_| syn::Error::new_spanned(expr, "a code must fit into a signed 32-bit integer")))
}

impl VariantField {
    fn parse(member: Member, field: &Field, errors: &mut Errors) -> Self {
        let member = match member {
            Member::Named(name) => Member::Named(spans::ident(&name)),
            Member::Unnamed(index) => Member::Unnamed(index),
        };
        let binding = match &member {
            Member::Named(name) => name.clone(),
            Member::Unnamed(index) => format_ident!("field{}", index.index, span = field.span()),
        };
        let mut data = None;
        for attr in field.attrs.iter().filter(|attr| is_rpc(attr)) {
            let entries = entries(attr, errors);
            set_entries(&mut data, "rpc", FIELD_KEYS, entries, errors);
        }
        Self { member, binding, field: field.clone(), data }
    }
}

/// Reports the errors of one variant.
fn check(variant: &Variant, errors: &mut Errors) {
    let Variant { ident, attr, .. } = variant;
    match &attr.code {
        _ if attr.transparent.is_some() => check_transparent(variant, errors),
        None => {
            let message = format!("`{ident}` has no code: add `#[rpc(code = …)]` or `#[rpc(transparent)]`");
            errors.at(ident, message);
        }
        Some(code) if RESERVED.contains(&code.value) => {
            let (first, last) = (RESERVED.start(), RESERVED.end());
            let message = format!(
                "the code {} is in the range from {first} to {last}, which JSON-RPC and callbox reserve: choose another code",
                code.value
            );
            errors.at(&code.key, message);
        }
        Some(_) => {}
    }
    if let Some(message) = &attr.message
        && let Err(problem) = captures(&message.value.value())
    {
        errors.at(&message.value, problem);
    }
}

fn check_transparent(Variant { ident, attr, fields, .. }: &Variant, errors: &mut Errors) {
    if fields.len() != 1 {
        errors.at(ident, "a transparent variant has one field: the error whose code and message callers receive");
    }
    let code = attr.code.as_ref().map(|set| &set.key);
    let message = attr.message.as_ref().map(|set| &set.key);
    let data = fields.iter().filter_map(|field| Some(&field.data.as_ref()?.key));
    for key in code.into_iter().chain(message).chain(data) {
        errors.at(key, format!("a transparent variant cannot have `{key}`: its field provides code, message and data"));
    }
}

/// Returns the match arm that converts a variant.
fn arm(error: &Ident, variant: &Variant) -> TokenStream {
    let Variant { ident, attr, fields, .. } = variant;
    // A field that is neither in the message nor in the data is not bound, since it would be an
    // unused variable.
    let used = attr.message.as_ref().and_then(|message| captures(&message.value.value()).ok()).unwrap_or_default();
    let used = captured(&used);
    let is_used = |field: &&VariantField| {
        attr.code.is_none() || field.data.is_some() || used.contains(&field.binding.unraw().to_string())
    };
    let bindings = fields.iter().filter(is_used).map(|VariantField { member, binding, .. }| quote!(#member: #binding));
    let (error, ident) = (spans::ident(error), spans::ident(ident));
    let pattern = quote!(#error::#ident { #(#bindings,)* .. });
    let Some(code) = &attr.code else {
        let conversions = fields.iter().map(|VariantField { field, binding, .. }| {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> ::callbox_client::__private::into_rpc_error::<#ty>(#binding))
        });
        return quote!(#pattern => #(#conversions)*,);
    };
    let (code, message, data) = (code.value, message(variant), data(variant));
    quote!(#pattern => ::callbox_client::RpcError::new(#code, #message) #data,)
}

/// Returns the expression for the message of a variant.
fn message(variant: &Variant) -> TokenStream {
    let Some(Keyed { value: message, .. }) = &variant.attr.message else {
        let words = in_words(&variant.ident.unraw().to_string());
        return quote!(#words);
    };
    let text = message.value();
    match captures(&text) {
        Ok(rewritten) if text.contains(['{', '}']) => {
            let rewritten = LitStr::new(&rewritten, message.span());
            quote!(::std::format!(#rewritten))
        }
        _ => quote!(#message),
    }
}

/// Returns the same format text with `{field0}` for `{0}`, since that is the name in the match arm.
fn captures(text: &str) -> Result<String, &'static str> {
    let mut rewritten = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        rewritten.push(char);
        if char != '{' {
            continue;
        }
        match chars.peek() {
            Some('{') => rewritten.extend(chars.next()),
            Some('0'..='9') => rewritten.push_str("field"),
            Some('}' | ':') => return Err("name the field to insert here: `{id}`, or `{0}` for an unnamed field"),
            _ => {}
        }
    }
    Ok(rewritten)
}

/// Returns the names of the variables that a format text uses.
fn captured(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    let plain = text.replace("{{", "").replace("}}", "");
    for inside in plain.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        let (name, form) = inside.split_once(':').unwrap_or((inside, ""));
        names.insert(name.trim().to_owned());
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        let widths = form.split('$').map(|part| part.rsplit(|char| !is_part(char)).next().unwrap_or_default());
        names.extend(widths.take(form.matches('$').count()).map(str::to_owned));
    }
    names
}

/// Returns `.with_data(…)`: an object of named fields, the one unnamed field, or an array of
/// several.
fn data(variant: &Variant) -> TokenStream {
    let marked: Vec<_> = variant.fields.iter().filter(|field| field.data.is_some()).collect();
    let Some(first) = marked.first() else { return TokenStream::new() };
    let bindings: Vec<_> = marked.iter().map(|field| &field.binding).collect();
    let value = match bindings[..] {
        _ if variant.named => {
            let types: Vec<_> = (0..marked.len()).map(|at| format_ident!("T{at}")).collect();
            quote! {{
                #[derive(::callbox_client::__private::serde::Serialize)]
                #[serde(crate = "::callbox_client::__private::serde")]
                struct Data<#(#types),*> { #(#bindings: #types),* }
                Data { #(#bindings: &#bindings),* }
            }}
        }
        [only] => quote!(#only),
        _ => quote!((#(&#bindings),*)),
    };
    quote_spanned!(first.field.ty.span()=> .with_data(&#value))
}

#[cfg(test)]
mod tests {
    use super::{captured, captures};

    #[test]
    fn the_names_in_a_message_are_those_of_fields() {
        let mut names: Vec<_> =
            captured("{{no}} {a} {b:?} {c:>width$.exact$} {field0:x} {{{d}}}").into_iter().collect();
        names.sort();
        assert_eq!(names, ["a", "b", "c", "d", "exact", "field0", "width"]);
    }

    #[test]
    fn a_number_in_a_message_becomes_the_field_at_that_place() {
        for (text, rewritten) in [
            ("{0} of {1:?}", "{field0} of {field1:?}"),
            ("{{0}} {name}", "{{0}} {name}"),
            ("{name:>5} {{{0}}}", "{name:>5} {{{field0}}}"),
            ("none", "none"),
        ] {
            assert_eq!(captures(text).as_deref(), Ok(rewritten));
        }
        assert!(captures("{}").is_err() && captures("{:?}").is_err());
    }
}
