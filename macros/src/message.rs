//! The message of a method: the struct of its parameters, and how it is read.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Ident, LitStr};

use crate::method::{Method, Param};
use crate::model::Service;
use crate::spans;
use crate::types::{Lifetimes, unfit, without_self};

/// What a message is for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    Use,
    /// To exist with its fields, without attributes that might be mistaken.
    Stub,
}

/// The struct of a method's parameters.
pub(crate) fn message(service: &Service, method: &Method, purpose: Purpose) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let (vis, allowed) = (spans::tokens(service.vis(method)), service.allowed(method));
    let fields = sendable(method).map(|(name, param)| {
        let serde = if purpose == Purpose::Use { serde_attr(service, method, name, param) } else { TokenStream::new() };
        let (docs, name) = (field_docs(name, param), spans::ident(name));
        let ty = without_self(param.ty.to_token_stream(), service.ty());
        quote!(#docs #serde #vis #name: #ty)
    });
    let docs = docs_or(&method.docs, &format!("The parameters of `{}`.", method.sig.ident));
    let takes_rest = takes_rest(method);
    // What has a rest is read by a function of its own.
    let read = (!takes_rest || purpose == Purpose::Stub).then(|| quote!(::callbox::__private::serde::Deserialize,));
    let strict = (!takes_rest).then(|| quote!(#[serde(deny_unknown_fields)]));
    let read_with_rest = (read.is_none()).then(|| read_with_rest(service, method));
    // Should the name be taken, the compiler says so here: at the method.
    let name = spans::ident(message);
    let item = quote_spanned!(spans::at(message)=> #vis struct #name { #(#fields),* });
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #docs
        #[derive(
            ::callbox::__private::serde::Serialize,
            #read
            ::callbox::__private::schemars::JsonSchema,
        )]
        #[serde(crate = "::callbox::__private::serde")]
        #[schemars(crate = "::callbox::__private::schemars")]
        #strict
        #item
        #read_with_rest
    }
}

/// The user's docs, or others, so that nothing public is without.
pub(crate) fn docs_or(docs: &[Attribute], otherwise: &str) -> TokenStream {
    let sure = docs.iter().any(|attr| attr.path().is_ident("doc"));
    let otherwise = (!sure).then(|| quote!(#[doc = #otherwise]));
    quote!(#otherwise #(#docs)*)
}

/// The docs of a field. Those that say nothing more than its name are no description in a schema.
fn field_docs(name: &Ident, param: &Param) -> TokenStream {
    if !param.docs.is_empty() {
        let docs = &param.docs;
        return quote!(#(#docs)*);
    }
    let docs = format!("The parameter `{name}`.");
    quote!(#[doc = #docs] #[schemars(description = "")])
}

/// The parameters that can be fields. In a block without mistakes these are all that callers send.
pub(crate) fn sendable(method: &Method) -> impl Iterator<Item = (&Ident, &Param)> {
    let fit = method.sent().filter(|param| unfit(&param.ty, Lifetimes::None).is_none());
    fit.filter_map(|param| Some((param.name.as_ref()?, param)))
}

fn takes_rest(method: &Method) -> bool {
    method.params.iter().any(Param::is_rest)
}

/// How a message with a rest is read: all other parameters as a struct, and the rest as its own
/// type. serde's `flatten` would keep the values until it knows all names, and by then not know any
/// more whose a mistake is.
fn read_with_rest(service: &Service, method: &Method) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let (rest, others): (Vec<_>, Vec<_>) = sendable(method).partition(|(_, param)| param.is_rest());
    let ty = |param: &Param| without_self(param.ty.to_token_stream(), service.ty());
    let fields = others.iter().map(|(name, param)| {
        let (serde, name, ty) = (serde_attr(service, method, name, param), spans::ident(name), ty(param));
        quote!(#serde #name: #ty)
    });
    let names: Vec<_> = others.iter().map(|(name, _)| spans::ident(name)).collect();
    let (rest_name, rest_ty): (Vec<_>, Vec<_>) =
        rest.iter().map(|(name, param)| (spans::ident(name), ty(param))).unzip();
    let allowed = service.allowed(method);
    let (named, read) = (format_ident!("__{}Named", message, span = Span::call_site()), quote!(named, rest));
    let (message, serde) = (spans::ident(message), quote!(::callbox::__private::serde));
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl<'de> #serde::Deserialize<'de> for #message {
            fn deserialize<D: #serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                #[derive(#serde::Deserialize)]
                #[serde(crate = "::callbox::__private::serde")]
                struct #named { #(#fields),* }
                let (#read) = ::callbox::__private::with_rest::<D, #named, #(#rest_ty)*>(
                    deserializer,
                    <Self as ::callbox::Message>::PARAMS,
                )?;
                let #named { #(#names),* } = named;
                ::core::result::Result::Ok(Self { #(#names,)* #(#rest_name: rest)* })
            }
        }
    }
}

/// How serde is to treat a field.
fn serde_attr(service: &Service, method: &Method, name: &Ident, param: &Param) -> TokenStream {
    let (default, rename, rest) = match &param.attr {
        Some(attr) => (attr.default.is_some(), attr.rename.as_ref().map(|rename| &rename.value), attr.rest.is_some()),
        None => (false, None, false),
    };
    let mut keys = Vec::new();
    if default {
        let path = format!("<{}>::{}", service.ty().to_token_stream(), default_fn(method, name));
        keys.push(quote!(default = #path));
    } else if param.is_option() {
        // Left out as callers would leave it out. Not beside a default, which would then take the
        // place of `None`.
        keys.push(quote!(default, skip_serializing_if = "::core::option::Option::is_none"));
        // By itself serde reads null as `None`, as it does what is left out.
        if param.is_option_of_an_option() {
            keys.push(quote!(deserialize_with = "::callbox::__private::given"));
        }
    }
    keys.extend(rename.map(|wire_name| quote!(rename = #wire_name)));
    keys.extend(rest.then(|| quote!(flatten)));
    if keys.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#keys),*)]) }
}

/// The functions that make the defaults. They are the service's, so that `Self` is what the user
/// means by it.
pub(crate) fn defaults(service: &Service, method: &Method) -> TokenStream {
    let (ty, cfgs, allowed) = (service.ty(), &method.cfgs, service.allowed(method));
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

/// A text as a literal of the macro's.
pub(crate) fn literal(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}
