//! `#[derive(RpcError)]`, in the same steps as `#[service]`: parse, check, expand.

mod check;
mod describe;
mod message;
mod shown;

use proc_macro2::{Span, TokenStream};
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
use message::{captured, captures, message};
use shown::Shown;

pub(crate) const VARIANT_KEYS: &[Key<VariantAttr>] = keys! {
    "code", "code = 404" => |attr, value| {
        // A code that is wrong is also stored, so that it is not reported as missing as well.
        let code = attr.code.insert(value.keyed(0));
        code.value = integer(value.expr()?).ok_or_else(|| value.wrong())??;
    };
    "message", r#"message = "No such user: {id}""# => |attr, value| attr.message = Some(value.keyed(value.string()?));
    "transparent", "transparent" => |attr, value| attr.transparent = Some(value.keyed(value.flag()?));
    "internal", "internal" => |attr, value| attr.internal = Some(value.keyed(value.flag()?));
};

pub(crate) const FIELD_KEYS: &[Key<FieldAttr>] = keys! {
    "data", "data" => |attr, value| attr.data = Some(value.keyed(value.flag()?));
    "from", "from" => |attr, value| attr.from = Some(value.keyed(value.flag()?));
};

pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) attr: VariantAttr,
    /// What the derive of thiserror makes of the variant.
    shown: Option<Shown>,
    pub(crate) fields: Vec<VariantField>,
    /// Whether the fields have names.
    pub(crate) named: bool,
}

#[derive(Default)]
pub(crate) struct VariantAttr {
    /// `None` if the variant is transparent or internal.
    pub(crate) code: Option<Keyed<i32>>,
    message: Option<Keyed<LitStr>>,
    transparent: Option<Keyed<()>>,
    /// Callers receive nothing of an internal variant.
    pub(crate) internal: Option<Keyed<()>>,
}

#[derive(Default)]
pub(crate) struct FieldAttr {
    data: Option<Keyed<()>>,
    from: Option<Keyed<()>>,
}

pub(crate) struct VariantField {
    pub(crate) member: Member,
    /// The variable of the field in a match arm: its name, or `field0`.
    pub(crate) binding: Ident,
    pub(crate) field: Field,
    pub(crate) data: Option<Keyed<()>>,
    /// Whether the variant can be made of the field, by `?`.
    from: Option<Keyed<()>>,
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let variants = parse(input, &mut errors);
    for variant in &variants {
        check::variant(variant, &mut errors);
    }
    let (body, from_rpc_error) = if errors.is_empty() {
        let arms = variants.iter().map(|variant| arm(&input.ident, variant));
        (quote!(match error { #(#arms)* }), from_rpc_error(input, &variants))
    } else {
        (quote!(::core::unreachable!()), from_rpc_error(input, &[]))
    };
    let described = errors.is_empty().then(|| describe(input, &variants));
    let conversions = variants.iter().filter_map(|variant| conversion(input, variant));
    let ident = spans::ident(&input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #errors
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<#ident #ty_generics> for ::callbox_client::RpcError #where_clause {
            fn from(error: #ident #ty_generics) -> Self { #body }
        }
        #(#conversions)*
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
            shown: Shown::of(&variant.attrs),
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
        let mut parsed = FieldAttr::default();
        for attr in field.attrs.iter().filter(|attr| is_rpc(attr)) {
            let entries = entries(attr, errors);
            set_entries(&mut parsed, "rpc", FIELD_KEYS, entries, errors);
        }
        let FieldAttr { data, from } = parsed;
        Self { member, binding, field: field.clone(), data, from }
    }
}

/// Returns the match arm that converts a variant.
fn arm(error: &Ident, variant: &Variant) -> TokenStream {
    let Variant { ident, attr, fields, .. } = variant;
    let (error, ident) = (spans::ident(error), spans::ident(ident));
    if attr.internal.is_some() {
        return internal_arm(&quote!(#error::#ident), variant);
    }
    let shown = shown_message(variant);
    // A field that is neither in the message nor in the data is not bound, since it would be an
    // unused variable.
    let used = attr.message.as_ref().and_then(|message| captures(&message.value.value()).ok()).unwrap_or_default();
    let used = captured(&used);
    let is_used = |field: &&VariantField| {
        attr.code.is_none() || field.data.is_some() || used.contains(&field.binding.unraw().to_string())
    };
    let by_reference = shown.is_some().then(|| quote!(ref));
    let bindings = fields
        .iter()
        .filter(is_used)
        .map(|VariantField { member, binding, .. }| quote!(#member: #by_reference #binding));
    let pattern = quote!(#error::#ident { #(#bindings,)* .. });
    let Some(code) = &attr.code else {
        let conversions = fields.iter().map(|VariantField { field, binding, .. }| {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> ::callbox_client::__private::into_rpc_error::<#ty>(#binding))
        });
        return quote!(#pattern => #(#conversions)*,);
    };
    let (code, data) = (code.value, data(variant));
    match shown {
        Some(shown) => {
            let message = quote!(::std::string::ToString::to_string(#shown));
            quote!(ref #shown @ #pattern => ::callbox_client::RpcError::new(#code, #message) #data,)
        }
        None => {
            let message = message(variant);
            quote!(#pattern => ::callbox_client::RpcError::new(#code, #message) #data,)
        }
    }
}

/// Returns the match arm of an internal variant, whose cause is logged. With thiserror that is the
/// error itself, which has a text and a source; else it is the field.
fn internal_arm(path: &TokenStream, Variant { ident, shown, fields, .. }: &Variant) -> TokenStream {
    let cause = Ident::new("cause", Span::mixed_site());
    match fields.as_slice() {
        _ if shown.is_some() => {
            quote!(#cause @ #path { .. } => ::callbox_client::__private::internal_error(#cause),)
        }
        [VariantField { member, field, .. }] => {
            let ty = &field.ty;
            let convert = quote_spanned!(ty.span()=> ::callbox_client::__private::internal_error::<#ty>);
            quote!(#path { #member: #cause } => #convert(#cause),)
        }
        _ => {
            let words = in_words(&ident.unraw().to_string());
            quote!(#path { .. } => ::callbox_client::__private::internal_error(#words),)
        }
    }
}

/// Returns the variable for the error whose `Display` is the message of the variant, if it is.
fn shown_message(Variant { attr, shown, .. }: &Variant) -> Option<Ident> {
    let is_message = attr.code.is_some() && attr.message.is_none() && shown.is_some();
    is_message.then(|| Ident::new("shown", Span::mixed_site()))
}

/// Returns the conversion of a field to its variant, which `?` uses.
fn conversion(input: &DeriveInput, Variant { ident, fields, .. }: &Variant) -> Option<TokenStream> {
    let [VariantField { member, field, from: Some(_), .. }] = fields.as_slice() else { return None };
    let (error, ident, ty) = (spans::ident(&input.ident), spans::ident(ident), &field.ty);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let source = Ident::new("source", Span::mixed_site());
    Some(quote! {
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<#ty> for #error #ty_generics #where_clause {
            fn from(#source: #ty) -> Self {
                Self::#ident { #member: #source }
            }
        }
    })
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
