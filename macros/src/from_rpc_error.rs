//! The second half of `#[derive(RpcError)]`: from the error object that a client received back to
//! the variant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::rpc_error::{Variant, VariantField};
use crate::spans;
use crate::types::{Lifetimes, unsupported};

/// Returns the impl of `FromRpcError`. After errors `variants` may be empty.
pub(crate) fn from_rpc_error(input: &DeriveInput, variants: &[Variant]) -> TokenStream {
    let ident = spans::ident(&input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let (transparent, coded): (Vec<_>, Vec<_>) =
        variants.iter().filter(|variant| is_recoverable(variant)).partition(|variant| variant.attr.code.is_none());
    let coded = coded.into_iter().filter_map(|variant| Some(reader(variant.attr.code.as_ref()?.value, variant)));
    let transparent = transparent.into_iter().map(transparent_reader);
    quote! {
        #[automatically_derived]
        impl #impl_generics ::callbox_client::FromRpcError for #ident #ty_generics #where_clause {
            fn from_rpc_error(error: ::callbox_client::RpcError) -> ::core::result::Result<Self, ::callbox_client::RpcError> {
                use ::callbox_client::__private::{DataFallback as _, FromRpcErrorFallback as _};
                ::callbox_client::__private::recover(error, &[#(#coded),*], &[#(#transparent),*])
            }
        }
    }
}

/// Whether callers receive every field of the variant, in types that can be deserialized.
fn is_recoverable(variant: &Variant) -> bool {
    let transparent = variant.attr.code.is_none();
    variant.attr.internal.is_none()
        && variant.fields.iter().all(|field| {
            (transparent || field.data.is_some()) && unsupported(&field.field.ty, Lifetimes::None).is_none()
        })
}

/// Returns a function that makes the variant of an error object with its code and its data.
fn reader(code: i32, variant: &Variant) -> TokenStream {
    let Variant { ident, fields, named, .. } = variant;
    let ident = spans::ident(ident);
    if fields.is_empty() {
        return quote!(|error| ::callbox_client::__private::has_code_alone(error, #code).then(|| Self::#ident {}));
    }
    let bindings: Vec<_> = fields.iter().map(|field| &field.binding).collect();
    let members = fields.iter().map(|VariantField { member, binding, .. }| quote!(#member: #binding));
    let types: Vec<_> = fields.iter().map(|field| &field.field.ty).collect();
    let (item, ty, pattern) = match bindings[..] {
        _ if *named => {
            let params: Vec<_> = (0..fields.len()).map(|at| format_ident!("T{at}")).collect();
            let item = quote! {
                #[derive(::callbox_client::__private::serde::Deserialize)]
                #[serde(crate = "::callbox_client::__private::serde")]
                struct __Data<#(#params),*> { #(#bindings: #params),* }
            };
            (item, quote!(__Data::<#(#types),*>), quote!(__Data { #(#bindings),* }))
        }
        [only] => (TokenStream::new(), quote!(#(#types)*), quote!(#only)),
        _ => (TokenStream::new(), quote!((#(#types),*)), quote!((#(#bindings),*))),
    };
    quote! {
        |error| {
            #item
            let #pattern = ::callbox_client::__private::DataProbe::<#ty>::read(error, #code)?;
            ::core::option::Option::Some(Self::#ident { #(#members),* })
        }
    }
}

/// Returns a function that makes the variant of an error object that its field can be made of.
fn transparent_reader(variant: &Variant) -> TokenStream {
    let ident = spans::ident(&variant.ident);
    let fields = variant.fields.iter().map(|VariantField { member, field, .. }| {
        let ty = &field.ty;
        quote!(#member: ::callbox_client::__private::FromRpcErrorProbe::<#ty>::recover(error)?)
    });
    quote!(|error| ::core::option::Option::Some(Self::#ident { #(#fields),* }))
}
