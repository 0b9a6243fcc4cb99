//! `DescribeErrors` for an enum: its errors, for generated documents.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::DeriveInput;
use syn::ext::IdentExt;

use crate::attr::Keyed;
use crate::names::in_words;
use crate::{paths, spans};

use super::shown::Shown;
use super::{Variant, VariantField};

/// Returns the impl that lists the code, message and data of each variant. Data of a type without a
/// schema may be any value.
pub(super) fn describe(input: &DeriveInput, variants: &[Variant]) -> TokenStream {
    let ident = spans::ident(&input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let variants = variants.iter().map(variant);
    paths::with_schemas(&quote! {
        #[automatically_derived]
        impl #impl_generics ::callbox_client::DescribeErrors for #ident #ty_generics #where_clause {
            fn describe(list: &mut ::callbox_client::ErrorList<'_>) {
                use ::callbox_client::__private::{ErrorsFallback as _, SchemaFallback as _};
                #(#variants)*
            }
        }
    })
}

fn variant(variant: &Variant) -> TokenStream {
    let Variant { ident, attr, shown, fields, .. } = variant;
    if attr.internal.is_some() {
        // It is the internal error of callbox, which the document lists once.
        return TokenStream::new();
    }
    let Some(code) = &attr.code else {
        let types = fields.iter().map(|field| &field.field.ty);
        return quote!(#(::callbox_client::__private::ErrorsProbe::<#types>::describe(list);)*);
    };
    let (code, message) = (
        code.value,
        match (&attr.message, shown) {
            (Some(Keyed { value: text, .. }), _) | (None, Some(Shown::Text(text))) => text.to_token_stream(),
            _ => in_words(&ident.unraw().to_string()).to_token_stream(),
        },
    );
    let name = ident.unraw().to_string();
    let error = match data(variant) {
        None => quote!(list.add(#code, #message);),
        Some(data) => quote!(list.add_with_data(#code, #message, |generator| #data);),
    };
    quote!(#error list.add_name(#code, #name);)
}

/// Returns the schema of the data: an object of named fields, the one unnamed field, or an array of
/// several.
fn data(variant: &Variant) -> Option<TokenStream> {
    let marked: Vec<_> = variant.fields.iter().filter(|field| field.data.is_some()).collect();
    let schema = |field: &&VariantField| {
        let ty = &field.field.ty;
        quote!(::callbox_client::__private::SchemaProbe::<#ty>::schema(generator))
    };
    let schemas = marked.iter().map(schema);
    Some(match marked[..] {
        [] => return None,
        _ if variant.named => {
            let names = marked.iter().map(|field| field.binding.unraw().to_string());
            quote!(::callbox_client::__private::object_schema([#((#names, #schemas)),*]))
        }
        [_] => quote!(#(#schemas)*),
        _ => quote!(::callbox_client::__private::tuple_schema(&[#(#schemas),*])),
    })
}
