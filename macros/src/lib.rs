//! The macros of callbox: [`macro@service`] and [`macro@RpcError`]. Use them through `callbox`,
//! because the code that they write names that crate.
//!
//! # Layout
//! A macro runs in three steps. Each step reads the result of the one before it:
//!
//! * parse: `attr` has the tables of all keys and reads attributes; `model` and `method` read the
//!   items that have these attributes. The model keeps the user's own tokens, so every span is
//!   theirs;
//! * check: `check` has the rules and nothing else. `errors` collects the errors, which are
//!   reported together. `asserts` writes the checks that only the compiler can make;
//! * expand: `expand` writes the code, one function per item, `message` the struct of a method's
//!   parameters, `param_rules` the rules of these, and `client` the typed client. After an error it
//!   writes stubs instead, so that the user sees that error and none that follow from it.
//!
//! `rpc_error` takes the same steps for the derive; `from_rpc_error` writes its conversion back.
//! `types`, `names` and `duration` have small functions about types, names and durations. `paths`
//! knows under which name the user's crate finds the items that the code names.
//! `conditional` reads attributes inside a `cfg_attr`. `spans` keeps lints away from the written
//! code, and `deprecated` keeps warnings about the user's deprecated items away from it.

mod api;
mod asserts;
mod attr;
mod check;
mod client;
mod conditional;
mod deprecated;
mod duration;
mod errors;
mod expand;
mod from_rpc_error;
mod handler;
mod message;
mod method;
mod model;
mod names;
mod of_api;
mod param_rules;
mod paths;
mod rpc_error;
mod spans;
mod subscription;
mod types;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Item;

use attr::ServiceAttr;
use errors::Errors;
use model::Service;
use paths::Root;

#[doc = include_str!("../docs/service.md")]
#[proc_macro_attribute]
pub fn service(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_service(args.into(), &item.into()).into()
}

fn expand_service(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attr = ServiceAttr::parse(args, &mut errors);
    let block = match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) => block,
        Ok(_) => {
            let message = "`#[service]` needs an `impl` block: the one with the methods to expose";
            errors.add(syn::Error::new(Span::call_site(), message));
            return quote!(#errors #item);
        }
        Err(error) => {
            errors.add(error);
            return quote!(#errors #item);
        }
    };
    let service = Service::parse(attr, block, &mut errors);
    check::service(&service, &mut errors);
    let block = &service.block;
    let emitted = if errors.is_empty() {
        match &service.attr.api {
            Some(api) => of_api::service(&service, api),
            None => expand::service(&service),
        }
    } else if block.trait_.is_none() && service.ident().is_some() && !service.has_generic_messages() {
        if service.attr.api.is_some() { of_api::stubs(&service) } else { expand::stubs(&service) }
    } else {
        TokenStream::new()
    };
    let emitted = Root::Callbox.apply(emitted);
    quote!(#errors #block #emitted)
}

#[doc = include_str!("../docs/api.md")]
#[proc_macro_attribute]
pub fn api(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    Root::Callbox.apply(api::expand(args.into(), &item.into())).into()
}

/// The attribute as `callbox_client` exports it.
#[doc = include_str!("../docs/api.md")]
#[proc_macro_attribute]
pub fn client_api(args: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    Root::Client.apply(api::expand(args.into(), &item.into())).into()
}

#[doc = include_str!("../docs/rpc_error.md")]
#[proc_macro_derive(RpcError, attributes(rpc))]
pub fn derive_rpc_error(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_rpc_error(item, Root::Callbox)
}

/// The derive as `callbox_client` exports it.
#[doc = include_str!("../docs/rpc_error.md")]
#[proc_macro_derive(ClientRpcError, attributes(rpc))]
pub fn derive_client_rpc_error(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_rpc_error(item, Root::Client)
}

fn expand_rpc_error(item: proc_macro::TokenStream, root: Root) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => root.apply(rpc_error::derive(&input)).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Writes the items in its attribute. Not part of the interface.
#[doc(hidden)]
#[proc_macro_derive(EmitItems, attributes(callbox_emit))]
pub fn derive_emit_items(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => deprecated::expand(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
