//! The typed client that the macro writes: a struct, and one line for each method.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Visibility;

use crate::attr::Client;
use crate::expand::{block_cfgs, error};
use crate::message::{docs_or, sendable};
use crate::method::{Method, Param};
use crate::model::Service;
use crate::spans::{self, at};
use crate::types::without_self;

/// The client and what makes its methods callable, unless there is to be none.
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

/// The function of the client that calls the method, for those who are told how to call it.
///
/// Nothing if one parameter tells null from what is left out: its schema does not say so, and
/// without that nobody knows what to write for it.
pub(crate) fn path(service: &Service, method: &Method) -> Option<String> {
    let tells_null = method.sent().any(Param::is_option_of_an_option);
    let name = name(service).filter(|_| !tells_null)?;
    Some(format!("{name}::{}", method.sig.ident))
}

fn name(service: &Service) -> Option<Ident> {
    match &service.attr.client {
        Client::None => None,
        Client::Named(name) => Some(name.clone()),
        Client::Default => Some(format_ident!("{}Client", service.ident()?, span = at(&service.ty()))),
    }
}

/// The struct, and the ways to it and from it.
fn item(service: &Service, name: &Ident) -> TokenStream {
    let (ty, vis) = (service.ty(), spans::tokens(vis(service)));
    let cfgs: Vec<_> = block_cfgs(service);
    let doc = format!(
        "Calls the methods of [`{0}`], and can do all that `callbox::client::TypedClient` can.",
        name_of(service)
    );
    let typed = quote!(::callbox::client::TypedClient<Self>);
    // Should the name be taken, the compiler says so here: at the service.
    let name = &spans::ident(name);
    let item = quote_spanned!(at(name)=> #vis struct #name(#typed););
    let namespace = match &service.attr.namespace {
        Some(namespace) => quote!(::core::option::Option::Some(#namespace)),
        None => quote!(::core::option::Option::None),
    };
    let from = [quote!(::callbox::client::Client), quote!(::callbox::client::LocalService)].map(|way| {
        quote! {
            #(#cfgs)*
            #[automatically_derived]
            impl ::core::convert::From<#way> for #name {
                fn from(way: #way) -> Self { Self(::core::convert::From::from(way)) }
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
        impl ::callbox::client::ServiceClient for #name {
            const NAMESPACE: ::core::option::Option<&'static str> = #namespace;
        }
        #(#cfgs)*
        #[automatically_derived]
        impl ::callbox::client::Serves<#name> for #ty {}
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
    }
}

fn name_of(service: &Service) -> String {
    service.ident().map(ToString::to_string).unwrap_or_default()
}

/// The client is as visible as the most visible of its methods.
fn vis(service: &Service) -> &Visibility {
    let all = || service.methods.iter().map(|method| service.vis(method));
    let public = all().find(|vis| matches!(vis, Visibility::Public(_)));
    let restricted = || all().find(|vis| matches!(vis, Visibility::Restricted(_)));
    public.or_else(restricted).unwrap_or(&Visibility::Inherited)
}

/// Says that the client calls the method.
fn client_method(service: &Service, client: &Ident, method: &Method) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let allowed = service.allowed(method);
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl ::callbox::client::Calls<#message> for #client {}
    }
}

fn function(service: &Service, method: &Method) -> TokenStream {
    let Method { cfgs, deprecated, allowed, message, .. } = method;
    let (ty, vis, ident) = (service.ty(), spans::tokens(service.vis(method)), spans::ident(&method.sig.ident));
    let docs = docs_or(&method.docs, &format!("Calls `{}`.", method.wire_name().value()));
    let (names, types): (Vec<_>, Vec<_>) = sendable(method)
        .map(|(name, param)| (spans::ident(name), without_self(param.ty.to_token_stream(), ty)))
        .unzip();
    let (written, error) = (method.output.ok(), error(service, method));
    let output = without_self(written.to_token_stream(), ty);
    // If the result cannot be read, the compiler says so here: at the result.
    let call = quote_spanned!(at(&written)=> ::callbox::client::TypedClient::call(&self.0, message).await);
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #docs
        #(#deprecated)*
        #vis async fn #ident(
            &self,
            #(#names: #types),*
        ) -> ::core::result::Result<#output, ::callbox::client::ClientError<#error>> {
            let message = #message { #(#names),* };
            #call
        }
    }
}
