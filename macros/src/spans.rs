//! Spans for the code that the macros write.
//!
//! The compiler applies the user's lints to tokens with the user's spans. Code that a macro writes
//! must not cause lints, and must not have an `allow` either, because that is an error under the
//! user's `forbid`. So the items that the macros write have the spans of the macro.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;

/// Returns a span at the position of the user's token, for error messages, that still counts as the
/// macro's own, so that lints do not apply.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    macro_span(tokens.span())
}

fn macro_span(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Returns the same name with the macro's own span.
pub(crate) fn ident(ident: &Ident) -> Ident {
    let mut own = ident.clone();
    own.set_span(macro_span(ident.span()));
    own
}

/// Returns the same tokens with the macro's own spans.
pub(crate) fn tokens(tokens: &impl ToTokens) -> TokenStream {
    respan(tokens.to_token_stream())
}

fn respan(tokens: TokenStream) -> TokenStream {
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), respan(group.stream()));
            inner.set_span(macro_span(group.span()));
            TokenTree::Group(inner)
        }
        mut token => {
            token.set_span(macro_span(token.span()));
            token
        }
    });
    tokens.collect()
}
