//! The macros of callbox: [`macro@service`] and [`macro@RpcError`]. Use them through `callbox`, which the code that
//! they write names.
//!
//! # Layout
//! A macro runs in steps, each of which sees what the one before it made:
//!
//! * parse: `attr` reads attributes (and lists all keys), `model` and `method` what they stand on. The model keeps the
//!   user's own tokens, so every span is theirs;
//! * check: `check` holds the rules and nothing else. Mistakes are gathered in `Errors` and reported all together;
//! * expand: `expand` writes the code, one function per item, `message` the struct of a method's
//!   parameters, and `client` the typed client. After a mistake it writes stubs instead, so that the
//!   mistake is all there is to see.
//!
//! `rpc_error` takes the same steps for the derive, with the way back in `from_rpc_error`. `types`,
//! `names` and `duration` answer small questions, `conditional` reads what may stand in a
//! `cfg_attr`, `spans` keeps lints from what the macro writes, and `deprecated` warnings of what
//! the user has put out of use.

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
mod message;
mod method;
mod model;
mod names;
mod rpc_error;
mod spans;
mod types;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Item;

use attr::ServiceAttr;
use errors::Errors;
use model::Service;

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
            let message = "`#[service]` goes on an `impl` block: the one with the methods to expose";
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
        expand::service(&service)
    } else if block.trait_.is_none() && block.generics.params.is_empty() && service.ident().is_some() {
        expand::stubs(&service)
    } else {
        TokenStream::new()
    };
    quote!(#errors #block #emitted)
}

#[doc = include_str!("../docs/rpc_error.md")]
#[proc_macro_derive(RpcError, attributes(rpc))]
pub fn derive_rpc_error(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => rpc_error::derive(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Writes what its attribute holds. No part of the interface.
#[doc(hidden)]
#[proc_macro_derive(Written, attributes(callbox_written))]
pub fn derive_written(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => deprecated::write(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
