//! The value of one entry, read as the type that its key needs.

use std::str::FromStr;

use syn::{Expr, ExprLit, Ident, Lit, LitStr};

use crate::duration;

use super::key::{Entries, Entry};
use super::{ClientName, OnPanic};

/// A parsed value with its key, whose span later error messages point to.
pub(crate) struct Keyed<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// The value of one entry, and an example of the entry for error messages.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    entry: &'a Entry,
    example: &'static str,
}

impl<'a> Value<'a> {
    pub(super) fn new(entry: &'a Entry, example: &'static str) -> Self {
        Self { entry, example }
    }

    pub(super) fn key(self) -> &'a Ident {
        &self.entry.key
    }

    pub(super) fn error(self, problem: &str) -> syn::Error {
        let message = format!("{problem}: `{}`", self.example);
        match &self.entry.value {
            Some(value) => syn::Error::new_spanned(value, message),
            None => syn::Error::new_spanned(&self.entry.key, message),
        }
    }

    /// Returns the error for a value of the wrong form.
    pub(crate) fn wrong(self) -> syn::Error {
        self.error("expected")
    }

    pub(crate) fn keyed<T>(self, value: T) -> Keyed<T> {
        Keyed { key: self.entry.key.clone(), value }
    }

    pub(crate) fn expr(&self) -> syn::Result<&Expr> {
        self.entry.value.as_ref().ok_or_else(|| self.error("this key needs a value"))
    }

    fn lit(&self) -> syn::Result<&Lit> {
        let mut expr = self.expr()?;
        // `macro_rules!` puts an invisible group around a `$name:literal`.
        while let Expr::Group(group) = expr {
            expr = &group.expr;
        }
        match expr {
            Expr::Lit(ExprLit { lit, .. }) => Ok(lit),
            _ => Err(self.wrong()),
        }
    }

    pub(crate) fn string(self) -> syn::Result<LitStr> {
        match self.lit()? {
            Lit::Str(text) => Ok(text.clone()),
            _ => Err(self.error("expected a string")),
        }
    }

    pub(super) fn nonempty_string(self) -> syn::Result<LitStr> {
        let text = self.string()?;
        if text.value().is_empty() { Err(self.error("the value must not be empty")) } else { Ok(text) }
    }

    /// Returns what the text of a string parses to, an identifier for example.
    pub(super) fn parsed_string<T: syn::parse::Parse>(self) -> syn::Result<T> {
        self.string()?.parse().map_err(|_| self.wrong())
    }

    pub(super) fn positive<T: FromStr<Err: std::fmt::Display> + Default + PartialEq>(self) -> syn::Result<T> {
        match self.lit()? {
            Lit::Int(number) => Some(number.base10_parse()?),
            _ => None,
        }
        .filter(|number| *number != T::default())
        .ok_or_else(|| self.error("expected a whole number of at least 1"))
    }

    pub(super) fn client(self) -> syn::Result<ClientName> {
        match self.lit()? {
            Lit::Bool(lit) if lit.value => Ok(ClientName::Default),
            Lit::Bool(_) => Ok(ClientName::None),
            Lit::Str(name) => name
                .parse()
                .map(ClientName::Custom)
                .map_err(|_| syn::Error::new_spanned(name, format!("`{}` is not a valid struct name", name.value()))),
            _ => Err(self.error("expected the name of the client, or `false` for no client")),
        }
    }

    /// Returns the name of a client, which an API always has.
    pub(super) fn client_name(self) -> syn::Result<ClientName> {
        self.parsed_string().map(ClientName::Custom)
    }

    pub(super) fn boolean(self) -> syn::Result<bool> {
        match self.lit()? {
            Lit::Bool(lit) => Ok(lit.value),
            _ => Err(self.error("expected `true` or `false`")),
        }
    }

    /// Returns a duration in nanoseconds.
    pub(super) fn duration(self) -> syn::Result<u64> {
        let text = self.string()?;
        duration::parse_nanos(&text.value()).map_err(|problem| syn::Error::new_spanned(text, problem))
    }

    pub(super) fn on_panic(self) -> syn::Result<OnPanic> {
        match self.string()?.value().as_str() {
            "keep" => Ok(OnPanic::Keep),
            "restart" => Ok(OnPanic::Restart),
            _ => Err(self.error(r#"expected "keep" or "restart""#)),
        }
    }

    /// Returns the entries between the parentheses that follow the key.
    pub(super) fn nested(self) -> syn::Result<Entries> {
        self.entry.nested.clone().ok_or_else(|| self.wrong())
    }

    /// Checks that the key has no value, as in `compute`.
    pub(crate) fn flag(self) -> syn::Result<()> {
        if self.entry.value.is_some() || self.entry.nested.is_some() {
            Err(self.error("this key takes no value"))
        } else {
            Ok(())
        }
    }
}
