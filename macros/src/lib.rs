//! The macros of callbox: [`macro@service`] and [`macro@RpcError`]. Use them through `callbox`.

mod attr;
mod check;
mod duration;
mod errors;
mod expand;
mod model;
mod rpc_error;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Item;

use attr::ServiceAttr;
use errors::Errors;
use model::Service;

/// X
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

/// X
#[proc_macro_derive(RpcError, attributes(rpc))]
pub fn derive_rpc_error(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    match syn::parse(item) {
        Ok(input) => rpc_error::derive(&input).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
