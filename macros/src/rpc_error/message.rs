//! The message of a variant, which can contain its fields.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::attr::Keyed;
use crate::names::in_words;

use super::Variant;

/// Returns the expression for the message of a variant.
pub(super) fn message(variant: &Variant) -> TokenStream {
    let Some(Keyed { value: message, .. }) = &variant.attr.message else {
        let words = in_words(&variant.ident.unraw().to_string());
        return quote!(#words);
    };
    let text = message.value();
    match captures(&text) {
        Ok(rewritten) if text.contains(['{', '}']) => {
            let rewritten = LitStr::new(&rewritten, message.span());
            quote!(::std::format!(#rewritten))
        }
        _ => quote!(#message),
    }
}

/// Returns the same format text with `{field0}` for `{0}`, since that is the name in the match arm.
pub(super) fn captures(text: &str) -> Result<String, &'static str> {
    let mut rewritten = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        rewritten.push(char);
        if char != '{' {
            continue;
        }
        match chars.peek() {
            Some('{') => rewritten.extend(chars.next()),
            Some('0'..='9') => rewritten.push_str("field"),
            Some('}' | ':') => return Err("name the field to insert here: `{id}`, or `{0}` for an unnamed field"),
            _ => {}
        }
    }
    Ok(rewritten)
}

/// Returns the names of the variables that a format text uses.
pub(super) fn captured(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    let plain = text.replace("{{", "").replace("}}", "");
    for inside in plain.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        let (name, form) = inside.split_once(':').unwrap_or((inside, ""));
        names.insert(name.trim().to_owned());
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        let widths = form.split('$').map(|part| part.rsplit(|char| !is_part(char)).next().unwrap_or_default());
        names.extend(widths.take(form.matches('$').count()).map(str::to_owned));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{captured, captures};

    #[test]
    fn the_names_in_a_message_are_those_of_fields() {
        let mut names: Vec<_> =
            captured("{{no}} {a} {b:?} {c:>width$.exact$} {field0:x} {{{d}}}").into_iter().collect();
        names.sort();
        assert_eq!(names, ["a", "b", "c", "d", "exact", "field0", "width"]);
    }

    #[test]
    fn a_number_in_a_message_becomes_the_field_at_that_place() {
        for (text, rewritten) in [
            ("{0} of {1:?}", "{field0} of {field1:?}"),
            ("{{0}} {name}", "{{0}} {name}"),
            ("{name:>5} {{{0}}}", "{name:>5} {{{field0}}}"),
            ("none", "none"),
        ] {
            assert_eq!(captures(text).as_deref(), Ok(rewritten));
        }
        assert!(captures("{}").is_err() && captures("{:?}").is_err());
    }
}
