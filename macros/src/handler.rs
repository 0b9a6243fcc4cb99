//! The function that runs a method: it makes the injected parameters, calls the method, and
//! converts its error.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::deprecated;
use crate::method::{Method, MethodKind, Output};
use crate::model::Service;
use crate::subscription::Items;
use crate::types::{last_segment, without_lifetimes, without_self};

/// Returns the impl of `Handles` for a method.
pub(crate) fn handles_impl(service: &Service, method: &Method, handler: &TokenStream) -> TokenStream {
    let Method { cfgs, message, .. } = method;
    let (ty, allowed, generics) = (service.ty(), service.allowed(method), service.generics());
    let (generics, _, bounds) = generics.split_for_impl();
    quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl #generics ::callbox::Handles<#message> for #ty #bounds {
            const HANDLER: ::callbox::Handler<Self, #message> = #handler;
        }
    }
}

/// Returns the function that runs the method.
pub(crate) fn handler(service: &Service, method: &Method, kind: MethodKind) -> TokenStream {
    let [state, message, call] = ["state", "message", "call"].map(|name| Ident::new(name, Span::mixed_site()));
    let (ty, ident) = (service.ty(), &method.sig.ident);

    let of_api = service.attr.api.is_some();
    let mut injections: Vec<_> = of_api.then(|| parts(method, &message)).into_iter().collect();
    let mut arguments = Vec::new();
    for param in &method.params {
        let Some(name) = &param.name else { continue };
        match param.injected() {
            None if of_api => arguments.push(quote!(#name)),
            None => arguments.push(quote!(#message.#name)),
            Some(injected) if is_call_context(injected) => arguments.push(quote!(#call)),
            Some(injected) => {
                let of = injected_type(service, method, injected);
                injections.push(quote!(let #name = <#of as ::callbox::FromCall>::from_call(#call)?;));
                arguments.push(quote!(&#name));
            }
        }
    }

    let receiver = (kind != MethodKind::Compute).then(|| quote!(#state,));
    let dot_await = method.sig.asyncness.map(|_| quote!(.await));
    let path = quote!(<#ty>::#ident);
    let path = if method.deprecated.is_empty() { path } else { deprecated::path(&path) };
    let run = quote!(#path(#receiver #(#arguments),*) #dot_await);
    let run = match (&method.items, &method.output) {
        (Some(Items { is_stream: true, .. }), Output::Plain(_)) => quote!(::callbox_client::Subscription::new(#run)),
        (Some(Items { is_stream: true, .. }), Output::Result { .. }) => {
            quote!(#run.map(::callbox_client::Subscription::new))
        }
        _ => run,
    };
    let run = match &method.output {
        output if of_api => reply_of_api(method, output, &run),
        Output::Result { error, .. } => {
            let error = without_self(error.to_token_stream(), ty);
            let convert = quote_spanned!(error.span()=> ::callbox_client::__private::convert_error::<_, #error>);
            quote!(#convert(#run))
        }
        _ => quote!(::core::result::Result::Ok(#run)),
    };

    let used = of_api || method.sent().next().is_some();
    let message_pattern = if used { message.to_token_stream() } else { quote!(_) };
    let message = &method.message;
    let call = if method.sent().count() < method.params.len() { call.to_token_stream() } else { quote!(_) };
    match kind {
        MethodKind::Read => {
            quote!(::callbox::Handler::<Self, #message>::Read(|#state, #message_pattern, #call| { #(#injections)* #run }))
        }
        MethodKind::Write => {
            quote!(::callbox::Handler::<Self, #message>::Write(|#state, #message_pattern, #call| { #(#injections)* #run }))
        }
        MethodKind::Compute => {
            quote!(::callbox::Handler::<Self, #message>::Compute(|#message_pattern, #call| { #(#injections)* #run }))
        }
        MethodKind::ReadAsync => {
            quote!(::callbox::Handler::<Self, #message>::ReadAsync(|#state, #message_pattern, #call| {
                ::callbox::__private::boxed_reply::<#message>(async move { #(#injections)* #run })
            }))
        }
        MethodKind::WriteAsync => {
            quote!(::callbox::Handler::<Self, #message>::WriteAsync(|#state, #message_pattern, #call| {
                ::callbox::__private::boxed_reply::<#message>(async move { #(#injections)* #run })
            }))
        }
    }
}

/// Returns the type of an injected parameter as it is written outside the method.
pub(crate) fn injected_type(service: &Service, method: &Method, of: &Type) -> TokenStream {
    without_lifetimes(without_self(of.to_token_stream(), service.ty()), &method.sig.generics)
}

/// Whether a type is the `CallContext`, which the handler already has.
fn is_call_context(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "CallContext")
}

/// Takes the message of an API apart. The compiler reports a parameter that is missing at the
/// method, and one that the API does not have at the parameter.
fn parts(method: &Method, message: &Ident) -> TokenStream {
    let names = method.sent().filter_map(|param| param.name.as_ref());
    let ty = &method.message;
    quote_spanned!(method.sig.ident.span()=> let #ty { #(#names),* } = #message;)
}

/// Returns the reply of a method of an API. The compiler reports another result or error type at
/// the method's own.
fn reply_of_api(method: &Method, output: &Output, run: &TokenStream) -> TokenStream {
    let message = &method.message;
    match output {
        Output::Plain(ty) => quote_spanned!(ty.span()=> ::callbox_client::__private::api_value::<#message>(#run)),
        Output::Result { ok: ty, .. } => {
            quote_spanned!(ty.span()=> ::callbox_client::__private::api_result::<#message>(#run))
        }
    }
}
