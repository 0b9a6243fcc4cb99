//! Attributes: from `#[public_method(mailbox = 256)]` to a struct of what was set. Also the one list of all keys.

use std::str::FromStr;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Token, Visibility};

use crate::duration;
use crate::errors::Errors;

/// A key and how it is written, as the messages show it.
type Key = (&'static str, &'static str);

const SERVICE_KEYS: &[Key] = &[
    ("name", r#"name = "name.your.service""#),
    ("version", r#"version = "1.2.3""#),
    ("namespace", r#"namespace = "users""#),
    ("vis", r#"vis = "pub(crate)""#),
    ("on_panic", r#"on_panic = "keep""#),
    ("client", "client = false"),
];

const METHOD_KEYS: &[Key] = &[
    ("name", r#"name = "sayHello""#),
    ("message", r#"message = "SayHello""#),
    ("mailbox", "mailbox = 256"),
    ("mailbox_group", r#"mailbox_group = "writes""#),
    ("deadline", r#"deadline = "2s""#),
    ("max_wait", r#"max_wait = "10ms""#),
    ("weight", "weight = 4"),
    ("in_flight", "in_flight = 64"),
    ("on_panic", r#"on_panic = "keep""#),
    ("compute", "compute"),
    ("idempotent", "idempotent"),
    ("inline", "inline = false"),
];

const SCOPE_KEY: Key = ("scope", r#"scope = "admin""#);

const PARAM_KEYS: &[Key] = &[("default", "default = 10"), ("rename", r#"rename = "type""#), ("rest", "rest")];

/// A value, and the key that set it, for its span.
pub(crate) struct Set<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// What becomes of the state after a panic.
#[derive(Clone, Copy)]
pub(crate) enum OnPanic {
    Keep,
    Restart,
}

/// `#[service(…)]`
#[derive(Default)]
pub(crate) struct ServiceAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) namespace: Option<LitStr>,
    pub(crate) vis: Option<Visibility>,
    pub(crate) on_panic: Option<OnPanic>,
    pub(crate) client: Client,
}

/// Which typed client there is to be.
#[derive(Default)]
pub(crate) enum Client {
    None,
    /// One named after the service.
    #[default]
    Default,
    Named(Ident),
}

/// `#[public_method(…)]` and `#[private_api_method(…)]`
#[derive(Default)]
pub(crate) struct MethodAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) message: Option<Ident>,
    pub(crate) mailbox: Option<usize>,
    pub(crate) mailbox_group: Option<LitStr>,
    /// In nanoseconds.
    pub(crate) deadline: Option<u64>,
    /// In nanoseconds.
    pub(crate) max_wait: Option<u64>,
    pub(crate) weight: Option<u32>,
    pub(crate) in_flight: Option<Set<usize>>,
    pub(crate) on_panic: Option<Set<OnPanic>>,
    pub(crate) compute: Option<Set<()>>,
    pub(crate) idempotent: bool,
    pub(crate) inline: Option<bool>,
    pub(crate) scope: Option<LitStr>,
}

/// `#[param(…)]`
pub(crate) struct ParamAttr {
    pub(crate) written: Attribute,
    pub(crate) default: Option<Set<Expr>>,
    pub(crate) rename: Option<Set<LitStr>>,
    pub(crate) rest: Option<Set<()>>,
}

impl ServiceAttr {
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let entries = errors.take(Punctuated::parse_terminated.parse2(args));
        for_each("service", SERVICE_KEYS, entries.unwrap_or_default(), errors, |attr_key, value| {
            match attr_key {
                "name" => attr.name = Some(value.filled()?),
                "version" => attr.version = Some(value.filled()?),
                "namespace" => attr.namespace = Some(value.filled()?),
                "vis" => attr.vis = Some(value.string()?.parse().map_err(|_| value.wrong())?),
                "on_panic" => attr.on_panic = Some(value.on_panic()?),
                _ => attr.client = value.client()?,
            }
            Ok(())
        });
        attr
    }
}

impl MethodAttr {
    pub(crate) fn parse(marker: &Attribute, name: &str, private: bool, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let keys = if private { [METHOD_KEYS, &[SCOPE_KEY]].concat() } else { METHOD_KEYS.to_vec() };
        let entries = entries(marker, errors);
        for_each(name, &keys, entries, errors, |key, value| {
            match key {
                "name" => attr.name = Some(value.filled()?),
                "message" => attr.message = Some(value.string()?.parse().map_err(|_| value.wrong())?),
                "mailbox" => attr.mailbox = Some(value.positive()?),
                "mailbox_group" => attr.mailbox_group = Some(value.filled()?),
                "deadline" => attr.deadline = Some(value.duration()?),
                "max_wait" => attr.max_wait = Some(value.duration()?),
                "weight" => attr.weight = Some(value.positive()?),
                "in_flight" => attr.in_flight = Some(value.set(value.positive()?)),
                "on_panic" => attr.on_panic = Some(value.set(value.on_panic()?)),
                "compute" => attr.compute = Some(value.set(value.nothing()?)),
                "idempotent" => {
                    value.nothing()?;
                    attr.idempotent = true;
                }
                "inline" => attr.inline = Some(value.boolean()?),
                _ => attr.scope = Some(value.filled()?),
            }
            Ok(())
        });
        attr
    }
}

impl ParamAttr {
    pub(crate) fn parse(param: &Attribute, errors: &mut Errors) -> Self {
        let mut attr = Self { written: param.clone(), default: None, rename: None, rest: None };
        let entries = entries(param, errors);
        for_each("param", PARAM_KEYS, entries, errors, |key, value| {
            match key {
                "default" => attr.default = Some(value.set(value.expr()?.clone())),
                "rename" => attr.rename = Some(value.set(value.filled()?)),
                _ => attr.rest = Some(value.set(value.nothing()?)),
            }
            Ok(())
        });
        attr
    }
}

/// `key` or `key = value`.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Self { key, value })
    }
}

/// The entries between the parentheses of an attribute, none without parentheses.
pub(crate) fn entries(attr: &Attribute, errors: &mut Errors) -> Punctuated<Entry, Token![,]> {
    let parsed = match &attr.meta {
        Meta::Path(_) => Ok(Punctuated::new()),
        list => list.require_list().and_then(|list| list.parse_args_with(Punctuated::parse_terminated)),
    };
    errors.take(parsed).unwrap_or_default()
}

/// Gives each known entry to `set`; notes the unknown, the repeated, and those that `set` refuses.
pub(crate) fn for_each(
    attr: &str,
    keys: &[Key],
    entries: Punctuated<Entry, Token![,]>,
    errors: &mut Errors,
    mut set: impl FnMut(&str, Value<'_>) -> syn::Result<()>,
) {
    let mut seen: Vec<Ident> = Vec::new();
    for entry in entries {
        let Some(&(name, example)) = keys.iter().find(|(name, _)| entry.key == name) else {
            let known: Vec<_> = keys.iter().map(|(_, example)| format!("`{example}`")).collect();
            let known = known.join(", ");
            errors.at(&entry.key, format!("`{}` is not a key of `#[{attr}]`, which knows {known}", entry.key));
            continue;
        };
        if seen.contains(&entry.key) {
            errors.at(&entry.key, format!("`{name}` is set twice"));
        } else {
            errors.take(set(name, Value { entry: &entry, example }));
        }
        seen.push(entry.key);
    }
}

/// The value of one entry, with how it should have been written.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    entry: &'a Entry,
    example: &'static str,
}

impl Value<'_> {
    fn error(self, wanted: &str) -> syn::Error {
        let message = format!("{wanted}: `{}`", self.example);
        match &self.entry.value {
            Some(value) => syn::Error::new_spanned(value, message),
            None => syn::Error::new_spanned(&self.entry.key, message),
        }
    }

    pub(crate) fn wrong(self) -> syn::Error {
        self.error("this is written like")
    }

    pub(crate) fn set<T>(self, value: T) -> Set<T> {
        Set { key: self.entry.key.clone(), value }
    }

    pub(crate) fn expr(&self) -> syn::Result<&Expr> {
        self.entry.value.as_ref().ok_or_else(|| self.error("this needs a value"))
    }

    fn lit(&self) -> syn::Result<&Lit> {
        match self.expr()? {
            Expr::Lit(ExprLit { lit, .. }) => Ok(lit),
            _ => Err(self.wrong()),
        }
    }

    pub(crate) fn string(self) -> syn::Result<LitStr> {
        match self.lit()? {
            Lit::Str(text) => Ok(text.clone()),
            _ => Err(self.error("this is a string")),
        }
    }

    /// A string that is not empty.
    fn filled(self) -> syn::Result<LitStr> {
        let text = self.string()?;
        if text.value().is_empty() { Err(self.error("this must not be empty")) } else { Ok(text) }
    }

    fn positive<T: FromStr<Err: std::fmt::Display> + Default + PartialEq>(self) -> syn::Result<T> {
        match self.lit()? {
            Lit::Int(number) => Some(number.base10_parse()?),
            _ => None,
        }
        .filter(|number| *number != T::default())
        .ok_or_else(|| self.error("this is a whole number of at least 1"))
    }

    fn client(self) -> syn::Result<Client> {
        match self.lit()? {
            Lit::Bool(lit) if lit.value => Ok(Client::Default),
            Lit::Bool(_) => Ok(Client::None),
            Lit::Str(name) => {
                name.parse().map(Client::Named).map_err(|_| syn::Error::new_spanned(name, "this cannot name a struct"))
            }
            _ => Err(self.error("this is the name of the client, or false for none")),
        }
    }

    fn boolean(self) -> syn::Result<bool> {
        match self.lit()? {
            Lit::Bool(lit) => Ok(lit.value),
            _ => Err(self.error("this is true or false")),
        }
    }

    fn duration(self) -> syn::Result<u64> {
        let text = self.string()?;
        duration::parse_nanos(&text.value()).map_err(|wanted| syn::Error::new_spanned(text, wanted))
    }

    fn on_panic(self) -> syn::Result<OnPanic> {
        match self.string()?.value().as_str() {
            "keep" => Ok(OnPanic::Keep),
            "restart" => Ok(OnPanic::Restart),
            _ => Err(self.error(r#"this is "keep" or "restart""#)),
        }
    }

    pub(crate) fn nothing(self) -> syn::Result<()> {
        if self.entry.value.is_some() { Err(self.error("this takes no value")) } else { Ok(()) }
    }
}
