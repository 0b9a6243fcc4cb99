//! The settings of the program itself: the section `[app]` of the file, the variables `APP_…`, and
//! the flag `--app`, read into a type of the program.
//!
//! - [`value`] is a tree of values, each with its source, and knows how the sources are merged.
//! - [`reader`] is the serde deserializer of the tree: text is read as its field requires.
//! - [`error`] turns a mistake into one line that names the key, its source and the fix.
//! - [`secrets`] decides what `--show-settings` and errors hide.

mod error;
mod reader;
mod secrets;
mod text;
mod value;

use serde::de::DeserializeOwned;

use crate::start_error::StartError;

use super::setting_source::SettingSource;
use error::AppError;
pub(crate) use error::PREFIX;
pub(crate) use reader::AppNotes;
use reader::{Notes, Reader};
pub(super) use value::AppValue;

/// The settings of the program itself, as the sources have them.
#[derive(Clone, Debug)]
pub(crate) struct AppSettings {
    root: AppValue,
    /// Whether the program takes settings from outside.
    pub(crate) has_sources: bool,
}

impl AppSettings {
    /// Returns the settings of a program that takes none from outside.
    pub(crate) fn none() -> Self {
        Self { root: AppValue::table(SettingSource::Default), has_sources: false }
    }

    /// Merges the sources: flags override the environment, which overrides the file.
    ///
    /// # Errors
    /// If a flag is not `key=value`.
    pub(super) fn merge(
        section: Option<AppValue>,
        variables: &[(String, String)],
        flags: &[String],
    ) -> Result<Self, StartError> {
        let mut root = section.unwrap_or_else(|| AppValue::table(SettingSource::Default));
        for (name, text) in variables {
            let path = name.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
            let path: Vec<_> = path.split("__").collect();
            if !text.is_empty() && path.iter().all(|part| !part.is_empty()) {
                root.set(&path, AppValue::text(text, SettingSource::Env(name.clone())));
            }
        }
        for flag in flags {
            let (path, text) = flag.split_once('=').filter(|(path, _)| !path.is_empty()).ok_or_else(|| {
                let shown = match flag.strip_prefix('=') {
                    // The value of a key that is not known.
                    Some(_) => "=(hidden)".to_owned(),
                    None => secrets::shown_text(flag),
                };
                StartError::new(format_args!("--app is {shown:?}"), "write a key and its value: --app page_size=50")
            })?;
            let path: Vec<_> = path.split('.').collect();
            root.set(&path, AppValue::text(text, SettingSource::Flag(format!("--app {}", path.join(".")))));
        }
        Ok(Self { root, has_sources: true })
    }

    /// Reads the settings into a type of the program.
    ///
    /// # Errors
    /// If a value is missing, does not fit its field, or has no field in a type that denies unknown
    /// fields. The error is one line that names the key, its source and the fix.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<(T, AppNotes), StartError> {
        let notes = Notes::default();
        match T::deserialize(Reader::root(self.root.clone(), &notes)) {
            Ok(value) => Ok((value, notes.into_inner())),
            Err(error) => Err(AppError::into_start_error(error, self.has_sources, &self.root)),
        }
    }

    /// Returns the error for a section of a program that reads none.
    pub(super) fn not_expected(section: &AppValue) -> StartError {
        let what = format_args!("{}: the section [app]", section.source);
        StartError::new(
            what,
            "this program has no settings of its own; remove the section, or read it with Server::app_config",
        )
    }

    /// Returns the lines of `--show-settings`: all values, then the fields that have none.
    pub(super) fn rows(&self, notes: &AppNotes) -> Vec<(String, String, SettingSource)> {
        let mut rows = Vec::new();
        self.root.collect_rows("app", &mut rows);
        rows.extend(notes.unset.iter().map(|path| (path.clone(), "-".to_owned(), SettingSource::Default)));
        rows
    }
}

#[cfg(test)]
mod tests;
