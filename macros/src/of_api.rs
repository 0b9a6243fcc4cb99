//! The code for a service whose methods are in an API: the impls for its messages, and no messages
//! or client of its own.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use crate::api::base_name;
use crate::asserts::state_check;
use crate::expand::{add_method, block_cfgs, engine_options, hook, one_block, service_impl};
use crate::handler::{handler, handles_impl};
use crate::method::Method;
use crate::model::Service;
use crate::names::message_name;
use crate::spans;

/// Returns everything that the macro writes for a block without errors.
pub(crate) fn service(service: &Service, api: &Path) -> TokenStream {
    let methods = service.methods.iter().filter_map(|method| {
        let handler = handler(service, method, method.kind()?);
        let (alias, handles) = (message_alias(api, method), handles_impl(service, method, &handler));
        Some(quote!(#alias #handles))
    });
    let table = Ident::new("table", Span::mixed_site());
    let listed = quote!(#table.client::<<dyn #api as ::callbox_client::__private::Api>::Client>(););
    let entries = [listed].into_iter().chain(service.methods.iter().map(|method| entry(service, method))).collect();
    let hooks = service.hooks.iter().map(|one| hook(service, one)).collect();
    let (state, one_block, complete) = (state_check(service), one_block(service), all_handled(service, api));
    let (serves, service) = (serves(service, api), service_impl(service, &entries, &hooks));
    quote!(#state #one_block #complete #(#methods)* #serves #service)
}

/// Returns the impl of `Service` for a block with errors.
pub(crate) fn stubs(service: &Service) -> TokenStream {
    service_impl(service, &TokenStream::new(), &TokenStream::new())
}

/// Returns the type of a method's message under a name of the macro. If the API does not have the
/// method, the compiler finds no such message and reports that at the method. It reports nothing
/// that follows from it, since the alias has no type then.
fn message_alias(api: &Path, method: &Method) -> TokenStream {
    let (cfgs, name) = (&method.cfgs, spans::ident(&method.message));
    let mut message = api.clone();
    if let Some(last) = message.segments.last_mut() {
        last.ident = message_name(&base_name(&last.ident), &method.sig.ident);
    }
    quote_spanned!(spans::at(&method.sig.ident)=> #(#cfgs)* #[doc(hidden)] type #name = #message;)
}

/// Returns the check that the service handles every method of the API.
fn all_handled(service: &Service, api: &Path) -> TokenStream {
    let cfgs = block_cfgs(service);
    let handled = service.methods.iter().map(|method| {
        let (cfgs, name) = (&method.cfgs, method.sig.ident.unraw().to_string());
        quote!(#(#cfgs)* #name)
    });
    quote_spanned! {spans::at(service.ty())=>
        #(#cfgs)*
        const _: () = ::callbox_client::__private::assert_all_handled(
            <dyn #api as ::callbox_client::__private::Api>::METHODS,
            &[#(#handled),*],
        );
    }
}

/// Returns the impls that tie the service to the API and to its client.
fn serves(service: &Service, api: &Path) -> TokenStream {
    let (cfgs, ty, generics) = (block_cfgs(service), service.ty(), service.generics());
    let (generics, _, bounds) = generics.split_for_impl();
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #generics #api for #ty #bounds {}
        #(#cfgs)*
        #[automatically_derived]
        impl #generics ::callbox::client::Serves<<dyn #api as ::callbox_client::__private::Api>::Client> for #ty
        #bounds {}
    }
}

/// Returns the statement that adds the method to the table.
fn entry(service: &Service, method: &Method) -> TokenStream {
    let (message, options) = (&method.message, engine_options(service, method));
    add_method(service, method, quote!(::callbox::MethodOptions::of_api::<#message>() #options))
}
