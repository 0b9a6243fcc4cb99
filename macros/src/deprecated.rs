//! Code that uses deprecated items without a warning and without an `allow`.
//!
//! The compiler does not warn about deprecated names in the output of a derive. So `#[service]`
//! puts the impl of a deprecated method into an attribute of its message, and a hidden derive,
//! `EmitItems`, writes it.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, DeriveInput};

use crate::spans;

/// The attribute that holds the items for the derive.
const ATTRIBUTE: &str = "callbox_emit";

/// The mark before a path in brackets that must have the derive's own span.
const PATH_MARK: &str = "__callbox_path";

/// Returns the attributes for a struct that make the derive write these items after it.
pub(crate) fn emit_items(items: &TokenStream) -> TokenStream {
    let attribute = Ident::new(ATTRIBUTE, Span::call_site());
    quote!(#[derive(::callbox_client::__private::EmitItems)] #[#attribute(#items)])
}

/// Marks a deprecated path within such items.
pub(crate) fn path(path: &TokenStream) -> TokenStream {
    let mark = Ident::new(PATH_MARK, Span::call_site());
    quote!(#mark[#path])
}

/// Expands the derive: returns the items in its attributes.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let attrs = input.attrs.iter().filter(|attr| attr.path().is_ident(ATTRIBUTE));
    let items = |attr: &Attribute| match attr.meta.require_list() {
        Ok(list) => respan_paths(list.tokens.clone()),
        Err(error) => error.into_compile_error(),
    };
    attrs.map(items).collect()
}

/// Returns the same tokens, with the derive's own spans at the marked paths.
fn respan_paths(tokens: TokenStream) -> TokenStream {
    let mut marked = false;
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ident == PATH_MARK => {
            marked = true;
            TokenStream::new()
        }
        TokenTree::Group(group) if std::mem::take(&mut marked) => spans::tokens(&group.stream()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), respan_paths(group.stream()));
            inner.set_span(group.span());
            TokenTree::Group(inner).into()
        }
        token => token.into(),
    });
    tokens.collect()
}
