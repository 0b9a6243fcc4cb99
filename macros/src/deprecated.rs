//! Code that uses what is deprecated, without a warning and without an `allow`.
//!
//! The compiler does not warn of deprecated names in what a derive has written. So `#[service]`
//! leaves the impl of a deprecated method to a derive on its message.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, DeriveInput};

use crate::spans;

/// The attribute with what is to be written.
const ATTRIBUTE: &str = "callbox_written";

/// What stands before a path in brackets, which is to be the derive's own.
const PATH: &str = "__callbox_path";

/// Attributes for a struct, beside which these items are then written.
pub(crate) fn beside(items: &TokenStream) -> TokenStream {
    let attribute = Ident::new(ATTRIBUTE, Span::call_site());
    quote!(#[derive(::callbox::__private::Written)] #[#attribute(#items)])
}

/// A deprecated path within such items.
pub(crate) fn path(path: &TokenStream) -> TokenStream {
    let mark = Ident::new(PATH, Span::call_site());
    quote!(#mark[#path])
}

/// The derive.
pub(crate) fn write(input: &DeriveInput) -> TokenStream {
    let attrs = input.attrs.iter().filter(|attr| attr.path().is_ident(ATTRIBUTE));
    let items = |attr: &Attribute| match attr.meta.require_list() {
        Ok(list) => renewed(list.tokens.clone()),
        Err(error) => error.into_compile_error(),
    };
    attrs.map(items).collect()
}

/// The same tokens with the marked paths as the derive's own.
fn renewed(tokens: TokenStream) -> TokenStream {
    let mut marked = false;
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ident == PATH => {
            marked = true;
            TokenStream::new()
        }
        TokenTree::Group(group) if std::mem::take(&mut marked) => spans::tokens(&group.stream()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), renewed(group.stream()));
            inner.set_span(group.span());
            TokenTree::Group(inner).into()
        }
        token => token.into(),
    });
    tokens.collect()
}
