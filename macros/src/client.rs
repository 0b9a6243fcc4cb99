//! The typed client that the macro writes: a struct, and one function for each method.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Visibility;

use crate::attr::ClientName;
use crate::expand::block_cfgs;
use crate::message::{docs_or, sendable};
use crate::method::{Method, Param};
use crate::model::Service;
use crate::param_rules;
use crate::spans::{self, at};
use crate::types::without_self;

/// Returns the client and its impls; nothing with `client = false`.
pub(crate) fn client(service: &Service) -> TokenStream {
    let Some(name) = name(service) else { return TokenStream::new() };
    let methods = service.methods.iter().map(|method| client_method(service, &name, method));
    let functions = service.methods.iter().map(|method| function(service, method));
    let item = item(service, &name);
    let (cfgs, allowed) = (block_cfgs(service), &service.allowed);
    quote! {
        #(#methods)*
        #item
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl #name { #(#functions)* }
    }
}

/// Returns the impl that ties the client to the service.
pub(crate) fn serves(service: &Service) -> TokenStream {
    let Some(name) = name(service) else { return TokenStream::new() };
    let (ty, cfgs, generics) = (service.ty(), block_cfgs(service), service.generics());
    let (generics, _, bounds) = generics.split_for_impl();
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #generics ::callbox::client::Serves<#name> for #ty #bounds {}
    }
}

/// Returns the path of the client's function that calls the method, for generated documents.
///
/// Returns nothing if a parameter distinguishes null from a missing value: its schema cannot
/// express that, so a document could not show what to pass.
pub(crate) fn function_path(service: &Service, method: &Method) -> Option<String> {
    let distinguishes_null = method.sent().any(Param::is_option_of_an_option);
    let name = name(service).filter(|_| !distinguishes_null)?;
    Some(format!("{name}::{}", method.sig.ident))
}

pub(crate) fn name(service: &Service) -> Option<Ident> {
    match &service.attr.client {
        ClientName::None => None,
        ClientName::Custom(name) => Some(name.clone()),
        ClientName::Default => Some(format_ident!("{}Client", service.ident()?, span = at(&service.ty()))),
    }
}

/// Returns the struct of the client and its conversions.
fn item(service: &Service, name: &Ident) -> TokenStream {
    let (service_name, vis) = (service.name(), spans::tokens(vis(service)));
    let cfgs: Vec<_> = block_cfgs(service);
    let doc = format!(
        "A client of [`{0}`]: one function for each method, and those of `callbox::client::TypedClient`.",
        name_of(service)
    );
    let typed = quote!(::callbox_client::TypedClient<Self>);
    // If the name is taken, the compiler reports it here, at the service.
    let name = &spans::ident(name);
    let item = quote_spanned!(at(name)=> #vis struct #name(#typed););
    let namespace = match &service.attr.namespace {
        Some(namespace) => quote!(::core::option::Option::Some(#namespace)),
        None => quote!(::core::option::Option::None),
    };
    let needs_token = service.methods.iter().any(|method| method.private);
    let from = [quote!(::callbox_client::Client), quote!(::callbox_client::LocalService)].map(|source| {
        quote! {
            #(#cfgs)*
            #[automatically_derived]
            impl ::core::convert::From<#source> for #name {
                fn from(source: #source) -> Self { Self(::core::convert::From::from(source)) }
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #item
        #(#cfgs)*
        #[automatically_derived]
        impl ::callbox_client::ServiceClient for #name {
            const NAME: &'static str = #service_name;
            const NAMESPACE: ::core::option::Option<&'static str> = #namespace;
            const NEEDS_TOKEN: bool = #needs_token;
        }
        #(#cfgs)*
        #[automatically_derived]
        impl ::core::convert::From<#typed> for #name {
            fn from(typed: #typed) -> Self { Self(typed) }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl ::core::ops::Deref for #name {
            type Target = #typed;
            fn deref(&self) -> &Self::Target { &self.0 }
        }
        #(#from)*
        #(#cfgs)*
        ::callbox_client::__private::extractor!(#name);
    }
}

fn name_of(service: &Service) -> String {
    service.ident().map(ToString::to_string).unwrap_or_default()
}

/// Returns the visibility of the client, which is that of its most visible method.
fn vis(service: &Service) -> &Visibility {
    let all = || service.methods.iter().map(|method| service.vis(method));
    let public = all().find(|vis| matches!(vis, Visibility::Public(_)));
    let restricted = || all().find(|vis| matches!(vis, Visibility::Restricted(_)));
    public.or_else(restricted).unwrap_or(&Visibility::Inherited)
}

/// Returns the impl that lets the client call the method.
fn client_method(service: &Service, client: &Ident, method: &Method) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let allowed = service.allowed(method);
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl ::callbox_client::Calls<#message> for #client {}
    }
}

/// Returns the function of the client that calls the method.
fn function(service: &Service, method: &Method) -> TokenStream {
    let Method { cfgs, deprecated, allowed, message, .. } = method;
    let (ty, vis, ident) = (service.ty(), spans::tokens(service.vis(method)), spans::ident(&method.sig.ident));
    let docs = docs_or(&method.docs, &format!("Calls `{}`.", method.wire_name().value()));
    let rules = param_rules::docs(method);
    let (names, types): (Vec<_>, Vec<_>) = sendable(method)
        .map(|(name, param)| (spans::ident(name), without_self(param.ty.to_token_stream(), ty)))
        .unzip();
    let call = quote_spanned!(at(&method.output.ok())=> ::callbox_client::TypedClient::call(&self.0, message));
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #docs
        #rules
        #(#deprecated)*
        #vis fn #ident(&self, #(#names: #types),*) -> ::callbox_client::Call<#message> {
            let message = #message { #(#names),* };
            #call
        }
    }
}
