//! The crate that the written code names.
//!
//! What clients need is in `callbox_client`, and the macros write its paths. A crate that depends
//! on `callbox` alone reaches the same items through that crate, so the first part of these paths
//! is replaced there.

use proc_macro2::{Group, Literal, TokenStream, TokenTree};
use quote::{quote, quote_spanned};

/// Where the user's crate finds `callbox_client`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Root {
    /// Through `callbox`.
    Callbox,
    /// As a dependency.
    Client,
}

const WRITTEN: &str = "::callbox_client::";
const THROUGH_CALLBOX: &str = "::callbox::__private::client::";

impl Root {
    /// Returns the same code with paths that begin at this root.
    pub(crate) fn apply(self, code: TokenStream) -> TokenStream {
        match self {
            Self::Client => code,
            Self::Callbox => through_callbox(code),
        }
    }
}

/// Groups without such paths stay as they are, with all their spans.
fn through_callbox(code: TokenStream) -> TokenStream {
    let mut renamed = TokenStream::new();
    let mut colons = 0;
    for token in code {
        let after_colons = colons >= 2;
        colons = match &token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons + 1,
            _ => 0,
        };
        match token {
            TokenTree::Ident(ident) if after_colons && ident == "callbox_client" => {
                let span = ident.span();
                renamed.extend(quote_spanned!(span=> callbox::__private::client));
            }
            TokenTree::Group(group) if names_client(group.stream()) => {
                let mut inner = Group::new(group.delimiter(), through_callbox(group.stream()));
                inner.set_span(group.span());
                renamed.extend([TokenTree::Group(inner)]);
            }
            TokenTree::Literal(literal) => renamed.extend([TokenTree::Literal(in_literal(literal))]),
            token => renamed.extend([token]),
        }
    }
    renamed
}

fn names_client(code: TokenStream) -> bool {
    code.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "callbox_client",
        TokenTree::Group(group) => names_client(group.stream()),
        TokenTree::Literal(literal) => literal.to_string().contains(WRITTEN),
        TokenTree::Punct(_) => false,
    })
}

/// serde and schemars take paths as text.
fn in_literal(literal: Literal) -> Literal {
    let text = literal.to_string();
    match text.strip_prefix('"').and_then(|text| text.strip_prefix(WRITTEN)).and_then(|text| text.strip_suffix('"')) {
        None => literal,
        Some(path) => {
            let mut renamed = Literal::string(&format!("{THROUGH_CALLBOX}{path}"));
            renamed.set_span(literal.span());
            renamed
        }
    }
}

/// Returns items that are written only if `callbox_client` has schemas.
pub(crate) fn with_schemas(items: &TokenStream) -> TokenStream {
    quote!(::callbox_client::__private::with_schemas! { #items })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_crate_that_the_user_has() {
        let written = quote! {
            #[serde(crate = "::callbox_client::__private::serde")]
            fn f(x: ::callbox_client::X) -> ::callbox_client::RpcError { x.callbox_client(::callbox::Server, "::callbox_clients") }
        };
        let renamed = quote! {
            #[serde(crate = "::callbox::__private::client::__private::serde")]
            fn f(x: ::callbox::__private::client::X) -> ::callbox::__private::client::RpcError { x.callbox_client(::callbox::Server, "::callbox_clients") }
        };
        assert_eq!(Root::Callbox.apply(written.clone()).to_string(), renamed.to_string());
        assert_eq!(Root::Client.apply(written.clone()).to_string(), written.to_string());
    }
}
