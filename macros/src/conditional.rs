//! Attributes that may be inside a `cfg_attr`, which the compiler resolves only after the macro.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// An attribute and the condition under which it applies.
pub(crate) struct Conditional {
    /// The attribute without its `cfg_attr`.
    pub(crate) attr: Attribute,
    /// The condition of the `cfg_attr`, if there is one.
    pub(crate) condition: Option<TokenStream>,
}

impl Conditional {
    /// Returns the attribute itself, or each attribute within its `cfg_attr`.
    pub(crate) fn all(attr: &Attribute) -> Vec<Self> {
        let mut found = Vec::new();
        flatten(attr.clone(), None, &mut found);
        found
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.attr.path().is_ident(name)
    }

    /// Returns the attribute in its `cfg_attr` again.
    pub(crate) fn into_attribute(self) -> Attribute {
        let Self { mut attr, condition } = self;
        if let Some(condition) = condition {
            let meta = &attr.meta;
            attr.meta = syn::parse_quote!(cfg_attr(#condition, #meta));
        }
        attr
    }
}

fn flatten(attr: Attribute, outer: Option<&TokenStream>, found: &mut Vec<Conditional>) {
    // The compiler reports what is wrong within a `cfg_attr`.
    let Some((condition, metas)) = attr.path().is_ident("cfg_attr").then(|| attr.parse_args_with(parts).ok()).flatten()
    else {
        found.push(Conditional { attr, condition: outer.cloned() });
        return;
    };
    let condition = match outer {
        Some(outer) => quote!(all(#outer, #condition)),
        None => condition,
    };
    for meta in metas {
        flatten(Attribute { meta, ..attr.clone() }, Some(&condition), found);
    }
}

/// Parses the condition of a `cfg_attr` and the attributes after it.
fn parts(input: ParseStream<'_>) -> syn::Result<(TokenStream, Punctuated<Meta, Token![,]>)> {
    let mut condition = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        condition.extend([input.parse::<TokenTree>()?]);
    }
    input.parse::<Token![,]>()?;
    Ok((condition, Punctuated::parse_terminated(input)?))
}

/// Returns the attributes with these names, also from within `cfg_attr`.
pub(crate) fn named(attrs: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    let all = attrs.iter().flat_map(Conditional::all);
    all.filter(|one| names.iter().any(|name| one.is(name))).map(Conditional::into_attribute).collect()
}

/// Returns the attributes that decide whether an item is compiled.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    named(attrs, &["cfg"])
}

/// Returns the user's `allow` and `expect` attributes of an item, for the items that the macro
/// writes for it. An `expect` becomes an `allow`, since the lint may fire at the user's item alone.
pub(crate) fn allowed(attrs: &[Attribute]) -> Vec<Attribute> {
    let all = attrs.iter().flat_map(Conditional::all).filter(|one| one.is("allow") || one.is("expect"));
    let allow = all.filter_map(|mut one| {
        let lints = one.attr.meta.require_list().ok()?.tokens.to_token_stream();
        one.attr.meta = syn::parse_quote!(allow(#lints));
        Some(one.into_attribute())
    });
    allow.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(attrs: &[Attribute]) -> String {
        attrs.iter().map(|attr| attr.to_token_stream().to_string().replace(' ', "")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn attributes_are_found_within_cfg_attr_and_keep_their_conditions() {
        let attrs: Vec<Attribute> = vec![
            syn::parse_quote!(#[cfg(a)]),
            syn::parse_quote!(#[cfg_attr(any(unix, feature = "x"), doc = "d", cfg(b))]),
            syn::parse_quote!(#[cfg_attr(c, cfg_attr(true, cfg(d), inline))]),
            syn::parse_quote!(#[cfg_attr(e)]),
        ];
        assert_eq!(
            written(&cfgs(&attrs)),
            r#"#[cfg(a)] #[cfg_attr(any(unix,feature="x"),cfg(b))] #[cfg_attr(all(c,true),cfg(d))]"#
        );
        assert_eq!(written(&named(&attrs, &["doc"])), r#"#[cfg_attr(any(unix,feature="x"),doc="d")]"#);
    }

    #[test]
    fn an_expected_lint_of_a_method_is_allowed_in_the_items_written_for_it() {
        let attrs: Vec<Attribute> = vec![
            syn::parse_quote!(#[allow(unused)]),
            syn::parse_quote!(#[cfg_attr(x, expect(dead_code, reason = "r"))]),
            syn::parse_quote!(#[deny(warnings)]),
        ];
        assert_eq!(written(&allowed(&attrs)), r#"#[allow(unused)] #[cfg_attr(x,allow(dead_code,reason="r"))]"#);
    }
}
