//! Keys: the entries of an attribute, and the table that gives each key its name, its example and
//! its setter.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Meta, Token, parenthesized, token};

use crate::errors::Errors;

use super::value::Value;

/// One key of an attribute that is parsed into `A`.
///
/// The table of an attribute's keys is the only place that names them: parsing, the list in the
/// error about an unknown key, and the check for duplicates all read it. A test compares it with
/// the tables in the documentation.
pub(crate) struct Key<A> {
    pub(crate) name: &'static str,
    /// An entry with this key as a user would write it, for error messages.
    pub(crate) example: &'static str,
    /// Stores the value, or returns what is wrong with it.
    pub(crate) set: fn(&mut A, Value<'_>) -> syn::Result<()>,
}

/// `key`, `key = value` or `key(entries)`.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
    pub(crate) nested: Option<Entries>,
}

pub(crate) type Entries = Punctuated<Entry, Token![,]>;

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        if input.peek(token::Paren) {
            let nested;
            parenthesized!(nested in input);
            let nested = Punctuated::parse_terminated(&nested)?;
            return Ok(Self { key, value: None, nested: Some(nested) });
        }
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Self { key, value, nested: None })
    }
}

/// Returns the entries between the parentheses of an attribute. An attribute without parentheses
/// has none.
pub(crate) fn entries(attr: &Attribute, errors: &mut Errors) -> Entries {
    let parsed = match &attr.meta {
        Meta::Path(_) => Ok(Punctuated::new()),
        list => list.require_list().and_then(|list| list.parse_args_with(Punctuated::parse_terminated)),
    };
    errors.take(parsed).unwrap_or_default()
}

/// Stores each entry in `parsed` by the table of keys.
///
/// Reports keys that are unknown or set twice, and values that a setter rejects. Of a key that is
/// set twice, the first value counts.
pub(crate) fn set_entries<'k, A: 'k>(
    parsed: &mut A,
    attr: &str,
    keys: impl IntoIterator<Item = &'k Key<A>, IntoIter: Clone>,
    entries: Entries,
    errors: &mut Errors,
) {
    let keys = keys.into_iter();
    let mut seen: Vec<Ident> = Vec::new();
    for entry in entries {
        let Some(Key { name, example, set }) = keys.clone().find(|key| entry.key == key.name) else {
            let known: Vec<_> = keys.clone().map(|key| format!("`{}`", key.example)).collect();
            let message = format!("`#[{attr}]` has no key `{}`: its keys are {}", entry.key, known.join(", "));
            errors.at(&entry.key, message);
            continue;
        };
        if seen.contains(&entry.key) {
            errors.at(&entry.key, format!("`{name}` is set twice"));
        } else {
            errors.take(set(parsed, Value::new(&entry, example)));
        }
        seen.push(entry.key);
    }
}

/// Reports entries whose keys belong elsewhere, and returns the others. `where_to` says what to do
/// with such a key.
pub(super) fn entries_of<A>(
    entries: Entries,
    others: &[Key<A>],
    but: &[Key<A>],
    where_to: fn(&Ident) -> &'static str,
    errors: &mut Errors,
) -> Entries {
    let belongs_elsewhere =
        |entry: &Entry| others.iter().any(|key| entry.key == key.name) && !but.iter().any(|key| entry.key == key.name);
    let (elsewhere, here): (Vec<_>, Vec<_>) = entries.into_iter().partition(belongs_elsewhere);
    for Entry { key, .. } in elsewhere {
        let message = format!("`{key}` {}", where_to(&key));
        errors.at(key, message);
    }
    here.into_iter().collect()
}
