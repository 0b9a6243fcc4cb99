//! The text that `thiserror` gives a variant by `#[error("…")]`: the `Display` of the error.

use syn::parse::ParseStream;
use syn::{Attribute, LitStr};

/// What thiserror shows of a variant.
pub(super) enum Shown {
    /// A text, in which the fields stand as they do in `#[rpc(message = "…")]`.
    Text(LitStr),
    /// The text of a field, or what a function writes.
    Other,
}

impl Shown {
    /// Returns what the attributes of a variant say; nothing if they have no `#[error(…)]`.
    pub(super) fn of(attrs: &[Attribute]) -> Option<Self> {
        let attr = attrs.iter().find(|attr| attr.path().is_ident("error"))?;
        let text = attr.parse_args_with(|input: ParseStream<'_>| {
            let text = input.parse::<LitStr>()?;
            // The values behind it are none of our business.
            input.parse::<proc_macro2::TokenStream>()?;
            Ok(text)
        });
        Some(text.map_or(Self::Other, Self::Text))
    }
}
