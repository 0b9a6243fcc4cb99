//! `#[param(pattern = "^[a-z]+$")]`: a text that matches a regular expression.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex_lite::Regex;
#[cfg(feature = "schemas")]
use schemars::Schema;
use serde_json::Value;

use super::{InvalidParam, ParamRule};

/// Maximum length of a text in an error, in characters.
const MAX_SHOWN: usize = 40;

/// A parameter that can have a pattern: a text, or an `Option` or `Box` of one. Do not implement it
/// by hand.
#[diagnostic::on_unimplemented(
    message = "`pattern` is for texts, and `{Self}` is none",
    label = "`pattern` does not fit the type of this parameter",
    note = "for a number: `range = …`; for elements: `each(pattern = …)`; for a type of your own: `validate = …`"
)]
pub trait HasText {
    /// Returns the text, if there is one.
    fn text(&self) -> Option<&str>;
}

#[diagnostic::do_not_recommend]
impl HasText for str {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl HasText for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl<T: HasText> HasText for Option<T> {
    fn text(&self) -> Option<&str> {
        self.as_ref()?.text()
    }
}

impl<T: HasText + ?Sized> HasText for Box<T> {
    fn text(&self) -> Option<&str> {
        (**self).text()
    }
}

impl<T: HasText + ToOwned + ?Sized> HasText for Cow<'_, T> {
    fn text(&self) -> Option<&str> {
        (**self).text()
    }
}

/// A regular expression, compiled when it is first used. The macro has checked it.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    /// `None` if it is not valid.
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Makes the pattern of this text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.text).ok());
        compiled.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

/// The rule of a pattern.
#[derive(Debug)]
pub struct Matches<T: ?Sized> {
    pattern: &'static Pattern,
    /// Returns the text. In a field, so that the compiler reports a type without one only once.
    text: fn(&T) -> Option<&str>,
}

impl<T: HasText + ?Sized> Matches<T> {
    pub(super) fn new(pattern: &'static Pattern) -> Self {
        Self { pattern, text: T::text }
    }
}

impl<T: ?Sized> ParamRule<T> for Matches<T> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        match (self.text)(value) {
            Some(text) if !self.pattern.matches(text) => Err(broken(self.pattern.text, text)),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        schema.insert("pattern".to_owned(), self.pattern.text.into());
    }
}

#[cold]
fn broken(pattern: &str, text: &str) -> InvalidParam {
    let shown = text
        .char_indices()
        .nth(MAX_SHOWN)
        .map_or_else(|| Value::from(text).to_string(), |(end, _)| format!("{}…", Value::from(&text[..end])));
    InvalidParam::new(format_args!("must match {pattern}, not {shown}"))
}
