//! What an enum of errors says of itself beforehand.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::DeriveInput;
use syn::ext::IdentExt;

use crate::names::in_words;
use crate::spans;

use super::{Variant, VariantField};

/// The impl that lists each variant's code, message and data. A type in the data that has no schema may be anything.
pub(super) fn describe(input: &DeriveInput, variants: &[Variant]) -> TokenStream {
    let ident = spans::ident(&input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let variants = variants.iter().map(variant);
    quote! {
        #[automatically_derived]
        impl #impl_generics ::callbox::DescribeErrors for #ident #ty_generics #where_clause {
            fn describe(list: &mut ::callbox::ErrorList<'_>) {
                use ::callbox::__private::{AnySchema as _, SaysNothing as _};
                #(#variants)*
            }
        }
    }
}

fn variant(variant: &Variant) -> TokenStream {
    let Variant { ident, attr, fields, .. } = variant;
    let Some(code) = &attr.code else {
        let types = fields.iter().map(|field| &field.field.ty);
        return quote!(#(::callbox::__private::ErrorsOf::<#types>::describe(list);)*);
    };
    let (code, message) = (
        code.value,
        match &attr.message {
            Some(message) => message.value.to_token_stream(),
            None => in_words(&ident.unraw().to_string()).to_token_stream(),
        },
    );
    match data(variant) {
        None => quote!(list.add(#code, #message);),
        Some(data) => quote!(list.add_with_data(#code, #message, |generator| #data);),
    }
}

/// The schema of what `with_data` is given: an object of named fields, else the one field, else a list.
fn data(variant: &Variant) -> Option<TokenStream> {
    let marked: Vec<_> = variant.fields.iter().filter(|field| field.data.is_some()).collect();
    let schema = |field: &&VariantField| {
        let ty = &field.field.ty;
        quote!(::callbox::__private::SchemaOf::<#ty>::schema(generator))
    };
    let schemas = marked.iter().map(schema);
    Some(match marked[..] {
        [] => return None,
        _ if variant.named => {
            let names = marked.iter().map(|field| field.binding.unraw().to_string());
            quote!(::callbox::__private::object_schema([#((#names, #schemas)),*]))
        }
        [_] => quote!(#(#schemas)*),
        _ => quote!(::callbox::__private::tuple_schema(&[#(#schemas),*])),
    })
}
