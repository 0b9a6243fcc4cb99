//! The message of a method: the struct of its parameters, and how it is deserialized.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Ident, LitStr};

use crate::asserts::param_type;
use crate::method::{Method, Param};
use crate::model::Service;
use crate::param_rules;
use crate::types::{Lifetimes, unsupported, without_self};
use crate::{paths, spans};

/// Whether a message is written in full, or only for the rest of the code to compile.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    Full,
    /// After an error: with its fields, but without attributes, which may be the cause.
    Stub,
    /// For an API, whose crate may be built without schemas. `schema` writes the schema apart.
    Api,
}

/// Returns the struct of a method's parameters.
pub(crate) fn message(service: &Service, method: &Method, purpose: Purpose) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let (vis, allowed) = (spans::tokens(service.vis(method)), service.allowed(method));
    let fields = sendable(method).map(|(name, param)| {
        let serde = serde_attr(service, method, name, param);
        let schema = if purpose == Purpose::Full {
            param_rules::schema_attrs(service, method, name, param)
        } else {
            TokenStream::new()
        };
        let docs = field_docs(name, param, purpose);
        let (alias, name) = (param_type(method, name), spans::ident(name));
        let ty = without_self(param.ty.to_token_stream(), service.ty());
        if purpose == Purpose::Stub {
            return quote!(#docs #vis #name: #ty);
        }
        // In documentation the type is written as in the method.
        let attrs = quote!(#docs #serde #schema);
        quote!(#attrs #[cfg(doc)] #vis #name: #ty, #attrs #[cfg(not(doc))] #vis #name: #alias)
    });
    let docs = docs_or(&method.docs, &format!("The parameters of `{}`.", method.sig.ident));
    let takes_rest = takes_rest(method);
    // A message with a `rest` parameter has its own impl of `Deserialize`.
    let deserialize =
        (!takes_rest || purpose == Purpose::Stub).then(|| quote!(::callbox_client::__private::serde::Deserialize,));
    let strict = (!takes_rest).then(|| quote!(#[serde(deny_unknown_fields)]));
    let deserialize_with_rest = (deserialize.is_none()).then(|| deserialize_with_rest(service, method));
    // If the name is taken, the compiler reports it here, at the method.
    let name = spans::ident(message);
    let item = quote_spanned!(spans::at(message)=> #vis struct #name { #(#fields),* });
    let schema = (purpose != Purpose::Api).then(|| quote!(::callbox_client::__private::schemars::JsonSchema,));
    let schema_crate = schema.is_some().then(|| quote!(#[schemars(crate = "::callbox_client::__private::schemars")]));
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #docs
        #[derive(
            ::callbox_client::__private::serde::Serialize,
            #deserialize
            #schema
        )]
        #[serde(crate = "::callbox_client::__private::serde")]
        #schema_crate
        #strict
        #item
        #deserialize_with_rest
    }
}

/// Returns the schema of a message of an API, where its crate has schemas: that of a struct with
/// the same fields, whose derive is not needed otherwise.
pub(crate) fn schema(service: &Service, method: &Method) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let fields = sendable(method).map(|(name, param)| {
        let (docs, serde) = (field_docs(name, param, Purpose::Full), serde_attr(service, method, name, param));
        let rules = param_rules::schema_attrs(service, method, name, param);
        let (name, ty) = (spans::ident(name), &param.ty);
        quote!(#docs #serde #rules #name: #ty)
    });
    let docs = &method.docs;
    let strict = (!takes_rest(method)).then(|| quote!(#[serde(deny_unknown_fields)]));
    let (text, schemars) = (message.unraw().to_string(), quote!(::callbox_client::__private::schemars));
    let (message, fields_of) = (spans::ident(message), format_ident!("__{}Schema", message, span = Span::call_site()));
    paths::with_schemas(&quote! {
        #(#cfgs)*
        const _: () = {
            #(#docs)*
            #[derive(#schemars::JsonSchema)]
            #[schemars(crate = "::callbox_client::__private::schemars")]
            #strict
            struct #fields_of { #(#fields),* }

            #[automatically_derived]
            impl #schemars::JsonSchema for #message {
                fn schema_name() -> ::std::borrow::Cow<'static, str> { #text.into() }
                fn schema_id() -> ::std::borrow::Cow<'static, str> {
                    ::core::concat!(::core::module_path!(), "::", #text).into()
                }
                fn json_schema(generator: &mut #schemars::SchemaGenerator) -> #schemars::Schema {
                    <#fields_of as #schemars::JsonSchema>::json_schema(generator)
                }
            }
        };
    })
}

/// Returns the user's docs, or other docs if there are none, so that no public item lacks them.
pub(crate) fn docs_or(docs: &[Attribute], otherwise: &str) -> TokenStream {
    let has_docs = docs.iter().any(|attr| attr.path().is_ident("doc"));
    let otherwise = (!has_docs).then(|| quote!(#[doc = #otherwise]));
    quote!(#otherwise #(#docs)*)
}

/// Returns the docs of a field. The fallback only repeats the name, so it does not become the
/// description in the schema.
fn field_docs(name: &Ident, param: &Param, purpose: Purpose) -> TokenStream {
    if !param.docs.is_empty() {
        let docs = &param.docs;
        return quote!(#(#docs)*);
    }
    let docs = format!("The parameter `{name}`.");
    let no_description = (purpose != Purpose::Api).then(|| quote!(#[schemars(description = "")]));
    quote!(#[doc = #docs] #no_description)
}

/// Returns the parameters that can be fields. In a block without errors these are all parameters
/// that callers send.
pub(crate) fn sendable(method: &Method) -> impl Iterator<Item = (&Ident, &Param)> {
    let supported = method.sent().filter(|param| unsupported(&param.ty, Lifetimes::None).is_none());
    supported.filter_map(|param| Some((param.name.as_ref()?, param)))
}

fn takes_rest(method: &Method) -> bool {
    method.params.iter().any(Param::is_rest)
}

/// Returns the impl of `Deserialize` for a message with a `rest` parameter. It reads all other
/// parameters as a struct, and the rest as its own type.
///
/// serde's `flatten` would buffer the values until it knows all names. After that it no longer
/// knows which parameter caused an error.
fn deserialize_with_rest(service: &Service, method: &Method) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let (rest, others): (Vec<_>, Vec<_>) = sendable(method).partition(|(_, param)| param.is_rest());
    let fields = others.iter().map(|(name, param)| {
        let (serde, ty) = (serde_attr(service, method, name, param), param_type(method, name));
        let name = spans::ident(name);
        quote!(#serde #name: #ty)
    });
    let names: Vec<_> = others.iter().map(|(name, _)| spans::ident(name)).collect();
    let (rest_name, rest_ty): (Vec<_>, Vec<_>) =
        rest.iter().map(|(name, _)| (spans::ident(name), param_type(method, name))).unzip();
    let allowed = service.allowed(method);
    let named = format_ident!("__{}Named", message, span = Span::call_site());
    let (message, serde) = (spans::ident(message), quote!(::callbox_client::__private::serde));
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl<'de> #serde::Deserialize<'de> for #message {
            fn deserialize<D: #serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                #[derive(#serde::Deserialize)]
                #[serde(crate = "::callbox_client::__private::serde")]
                struct #named { #(#fields),* }
                let (named, rest) = ::callbox_client::__private::with_rest::<D, #named, #(#rest_ty)*>(
                    deserializer,
                    <Self as ::callbox_client::Message>::PARAMS,
                )?;
                let #named { #(#names),* } = named;
                ::core::result::Result::Ok(Self { #(#names,)* #(#rest_name: rest)* })
            }
        }
    }
}

/// Returns serde's attribute for a field.
fn serde_attr(service: &Service, method: &Method, name: &Ident, param: &Param) -> TokenStream {
    let (default, rename, rest) = match &param.attr {
        Some(attr) => (attr.default.is_some(), attr.rename.as_ref().map(|rename| &rename.value), attr.rest.is_some()),
        None => (false, None, false),
    };
    let mut keys = Vec::new();
    if default {
        let path = format!("<{}>::{}", defaults_owner(service, method), default_fn(method, name));
        keys.push(quote!(default = #path));
    } else if param.is_option() {
        // `None` is left out of the JSON, as a caller would do. Not with a `default`, because the
        // service would then read the default in place of `None`.
        keys.push(quote!(default, skip_serializing_if = "::core::option::Option::is_none"));
        // serde by itself reads null as `None`, the same as a missing value.
        if param.is_option_of_an_option() {
            keys.push(quote!(deserialize_with = "::callbox_client::__private::present_as_some"));
        }
    }
    keys.extend(rename.map(|wire_name| quote!(rename = #wire_name)));
    keys.extend(rest.then(|| quote!(flatten)));
    if keys.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#keys),*)]) }
}

/// Returns the type whose functions make the default values: the service, so that `Self` in a
/// user's expression is the service. If that is generic or in another crate, the message.
fn defaults_owner(service: &Service, method: &Method) -> TokenStream {
    let no_service = service.is_generic() || service.is_api;
    if no_service { method.message.to_token_stream() } else { service.ty().to_token_stream() }
}

/// Returns the functions that make the default values.
pub(crate) fn defaults(service: &Service, method: &Method) -> TokenStream {
    let (ty, cfgs, allowed) = (defaults_owner(service, method), &method.cfgs, service.allowed(method));
    let functions: Vec<_> = sendable(method)
        .filter_map(|(name, param)| {
            let default = &param.attr.as_ref()?.default.as_ref()?.value;
            let (function, ty) = (default_fn(method, name), &param.ty);
            Some(quote!(#[doc(hidden)] fn #function() -> #ty { #default }))
        })
        .collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    quote!(#(#cfgs)* #(#allowed)* #[automatically_derived] impl #ty { #(#functions)* })
}

fn default_fn(method: &Method, param: &Ident) -> Ident {
    format_ident!("__{}_default_{}", method.sig.ident.unraw(), param.unraw(), span = Span::call_site())
}

/// Returns a text as a literal with the macro's own span.
pub(crate) fn literal(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}
