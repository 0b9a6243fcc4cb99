//! Where the tokens that the macro writes stand.
//!
//! The compiler holds lints against code as it was written: at the user's own tokens. What the
//! macro writes must neither be found fault with nor carry an `allow`, which a `forbid` of the
//! user's would clash with. So what it defines has spans that are the macro's.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;

/// Where the user's token stands, for errors, but still known as written by the macro, so that
/// lints leave it alone.
pub(crate) fn at(tokens: &impl Spanned) -> Span {
    written(tokens.span())
}

fn written(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The same name as one that the macro has written.
pub(crate) fn ident(ident: &Ident) -> Ident {
    let mut own = ident.clone();
    own.set_span(written(ident.span()));
    own
}

/// The same tokens as those that the macro has written.
pub(crate) fn tokens(tokens: &impl ToTokens) -> TokenStream {
    own(tokens.to_token_stream())
}

fn own(tokens: TokenStream) -> TokenStream {
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), own(group.stream()));
            inner.set_span(written(group.span()));
            TokenTree::Group(inner)
        }
        mut token => {
            token.set_span(written(token.span()));
            token
        }
    });
    tokens.collect()
}
