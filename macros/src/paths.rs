//! The crate that the written code names.
//!
//! What clients need is in `callbox_client`, and the macros write its paths. A crate that depends
//! on `callbox` alone reaches the same items through that crate, so the first part of these paths
//! is replaced there.

use proc_macro2::{Group, Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

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
    // What is before a token: the last token that is no punctuation, if it is a name, and the
    // punctuation since.
    let (mut word, mut puncts) = (None, String::new());
    for token in code {
        let next_word = if let TokenTree::Ident(ident) = &token { Some(ident.clone()) } else { None };
        match token {
            TokenTree::Punct(punct) => {
                puncts.push(punct.as_char());
                renamed.extend([TokenTree::Punct(punct)]);
                continue;
            }
            TokenTree::Ident(ident) if ident == "callbox_client" && begins_path(word.as_ref(), &puncts) => {
                let span = ident.span();
                renamed.extend(quote_spanned!(span=> callbox::__private::client));
            }
            TokenTree::Group(group) if names_client(group.stream()) => {
                let mut inner = Group::new(group.delimiter(), through_callbox(group.stream()));
                inner.set_span(group.span());
                renamed.extend([TokenTree::Group(inner)]);
            }
            TokenTree::Literal(literal) if puncts == "=" && word.is_some_and(|word| takes_path(&word)) => {
                renamed.extend([TokenTree::Literal(in_literal(literal))]);
            }
            token => renamed.extend([token]),
        }
        (word, puncts) = (next_word, String::new());
    }
    renamed
}

/// Whether a key of serde or schemars takes a path as text, among those that the macros write.
fn takes_path(key: &Ident) -> bool {
    key == "crate" || key == "deserialize_with"
}

/// Whether a name is the first of a path that begins with `::`. Users may have a module with the
/// name of the crate, as in `crate::callbox_client::Settings`.
fn begins_path(word: Option<&Ident>, puncts: &str) -> bool {
    let is_segment = |word: &Ident| {
        let is_name = syn::parse2::<Ident>(word.to_token_stream()).is_ok();
        is_name || ["crate", "self", "super", "Self"].iter().any(|segment| word == segment)
    };
    puncts.ends_with("::") && !(puncts == "::" && word.is_some_and(is_segment))
}

fn names_client(code: TokenStream) -> bool {
    code.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "callbox_client",
        TokenTree::Group(group) => names_client(group.stream()),
        TokenTree::Literal(literal) => literal.to_string().contains(WRITTEN),
        TokenTree::Punct(_) => false,
    })
}

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
            impl<T> ::callbox_client::X for dyn ::callbox_client::Y {
                fn f(x: ::callbox_client::X, y: &mut ::callbox_client::Y) -> ::callbox_client::RpcError {
                    x.callbox_client(::callbox::Server, note = "::callbox_client::", crate::callbox_client::X)
                }
            }
        };
        let renamed = quote! {
            #[serde(crate = "::callbox::__private::client::__private::serde")]
            impl<T> ::callbox::__private::client::X for dyn ::callbox::__private::client::Y {
                fn f(x: ::callbox::__private::client::X, y: &mut ::callbox::__private::client::Y) -> ::callbox::__private::client::RpcError {
                    x.callbox_client(::callbox::Server, note = "::callbox_client::", crate::callbox_client::X)
                }
            }
        };
        assert_eq!(Root::Callbox.apply(written.clone()).to_string(), renamed.to_string());
        assert_eq!(Root::Client.apply(written.clone()).to_string(), written.to_string());
    }
}
