//! The error of a setting of the program: one line that names the key, its source and the fix.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use crate::start_error::StartError;

use super::super::file::DEFAULT_PATH;
use super::super::setting_source::SettingSource;
use super::secrets::Shown;
use super::value::AppValue;

/// The prefix of the variables.
pub(crate) const PREFIX: &str = "APP_";

/// A mistake, and where it was found.
#[derive(Debug)]
pub(super) struct AppError {
    problem: Problem,
    place: Option<Box<Place>>,
}

#[derive(Debug)]
enum Problem {
    /// A table lacks this field.
    Missing(&'static str),
    /// The table has no such field, but these.
    Unknown(&'static [&'static str]),
    /// The value is not what the field expects.
    Unfit(String),
    /// Anything else, in the words of the type.
    Other(String),
}

/// A value, by its path from `app` on, its source, and its text as far as it may be shown.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) source: SettingSource,
    pub(super) shown: Shown,
}

impl AppError {
    fn new(problem: Problem) -> Self {
        Self { problem, place: None }
    }

    /// Sets the place, unless a value within it has set its own.
    pub(super) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        self.place.get_or_insert_with(|| Box::new(place()));
        self
    }

    /// `has_sources` says whether the program takes settings from outside, and `root` is all of
    /// them.
    pub(super) fn into_start_error(self, has_sources: bool, root: &AppValue) -> StartError {
        let (path, subject, shown) = match self.place.map(|place| *place) {
            Some(Place { path, source, shown }) => {
                let subject = source.subject(&path);
                (path, subject, shown)
            }
            None => {
                // An error about no value in particular may quote any of them.
                let mut shown = Shown::new("app", root);
                shown.text.clear();
                ("app".to_owned(), "app".to_owned(), shown)
            }
        };
        match self.problem {
            Problem::Missing(field) => {
                let what = format!("the setting {path}.{field} is missing");
                if !has_sources {
                    let fix = "the server takes no settings from outside: add .with_args(), or give it the value with \
                               .app_config_value(…)";
                    return StartError::new(what, fix);
                }
                let variable = variable(&format!("{path}.{field}"));
                StartError::new(
                    what,
                    format_args!("set {field} in the section [{path}] of {DEFAULT_PATH}, or {variable}"),
                )
            }
            Problem::Unknown(fields) => {
                StartError::new(format_args!("{subject} is not a setting of this program"), closest(&path, fields))
            }
            Problem::Unfit(expected) => StartError::new(
                format_args!("{subject} is {:?}", shown.text),
                format_args!("give {}", in_words(&expected)),
            ),
            Problem::Other(words) => {
                StartError::new(format_args!("{subject} is {:?}", shown.text), shown.without_hidden(&words))
            }
        }
    }
}

/// Returns the variable for a path that begins with `app`.
fn variable(path: &str) -> String {
    let path = path.trim_start_matches("app.").replace('.', "__").replace('-', "_");
    format!("{PREFIX}{}", path.to_ascii_uppercase())
}

/// Returns a proposal for a key that is not among the fields of its table.
pub(super) fn closest(path: &str, fields: &[&str]) -> String {
    match closest_field(path, fields) {
        Some(field) => format!("did you mean {field:?}?"),
        None if fields.is_empty() => "remove it".to_owned(),
        None => format!("remove it, or use one of {}", fields.join(", ")),
    }
}

/// Returns the field that is most like the last part of the path, if one is.
pub(super) fn closest_field<'a>(path: &str, fields: &[&'a str]) -> Option<&'a str> {
    let name = path.rsplit('.').next().unwrap_or_default();
    let near = fields.iter().map(|field| (strsim::jaro_winkler(field, name), *field));
    near.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, field)| field)
}

/// Returns what serde expects in words that follow "give".
fn in_words(expected: &str) -> String {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => format!("a whole number ({expected})"),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => format!("a whole number that is not negative ({expected})"),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        _ if expected == "a map" || expected.starts_with("struct ") => "a section of its own".to_owned(),
        _ => expected.to_owned(),
    }
}

impl Error for AppError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Problem::Other(text.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Unfit(expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Unfit(expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::Unfit(format!("one of {}", expected.join(", "))))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::Unknown(expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::Missing(field))
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.problem, f)
    }
}

impl std::error::Error for AppError {}
