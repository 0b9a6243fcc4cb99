//! The TOML file of settings: each value as text, with its line.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::regular_file;
use crate::start_error::StartError;

use super::app::AppValue;
use super::setting_source::SettingSource;
use super::table::SETTINGS;

/// Path of the file that is read if no other is named. It need not exist.
pub(super) const DEFAULT_PATH: &str = "callbox.toml";

/// The settings of a file, by their keys.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    pub(super) values: HashMap<&'static str, FileValue>,
    /// The section `[app]`, which belongs to the program itself.
    pub(super) app: Option<AppValue>,
}

/// The value of one setting as text, and its line. Lists have commas between their items.
#[derive(Debug)]
pub(super) struct FileValue {
    pub(super) text: String,
    pub(super) line: usize,
}

impl SettingsFile {
    /// Reads a file that a flag or a variable names.
    ///
    /// # Errors
    /// If the file does not exist, and those of [`read_if_there`](Self::read_if_there).
    pub(super) fn read(path: &Path) -> Result<Self, StartError> {
        Self::read_if_there(path)?.ok_or_else(|| {
            StartError::new(
                format_args!("{}: there is no such file", path.display()),
                "name a TOML file, or leave --config and CALLBOX_CONFIG out",
            )
        })
    }

    /// Reads a file that need not exist.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or has an unknown key.
    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>, StartError> {
        match regular_file::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(StartError::new(format_args!("{}: cannot be read", path.display()), &error).with_source(error))
            }
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, StartError> {
        let line = |offset: usize| text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1;
        let at = |offset: usize| format!("{}:{}", path.display(), line(offset));
        let table = DeTable::parse(text).map_err(|error| {
            let place = at(error.span().map_or(0, |span| span.start));
            StartError::new(format_args!("{place}: not valid TOML"), error.message()).with_source(error.clone())
        })?;
        let source = |offset: usize| SettingSource::File(path.to_owned(), line(offset));
        let (mut values, mut app) = (HashMap::new(), None);
        for (key, value) in table.get_ref() {
            let place = at(key.span().start);
            let name = key.get_ref().as_ref();
            if let ("app", DeValue::Table(section)) = (name, value.get_ref()) {
                app = Some(AppValue::from_table(section, source(key.span().start), &source));
                continue;
            }
            let Some(row) = SETTINGS.iter().find(|row| row.key == name) else {
                return Err(StartError::new(format_args!("{place}: unknown key {name:?}"), closest_key(name)));
            };
            let Some(text) = plain_text(value.get_ref()) else {
                let fix = format!("write one value, {name} = …, or a list of them where several are allowed");
                return Err(StartError::new(format_args!("{place}: {name} cannot be a table"), fix));
            };
            values.insert(row.key, FileValue { text, line: line(key.span().start) });
        }
        Ok(Self { path: path.to_owned(), values, app })
    }
}

/// Returns a value as it would be written in a flag; `None` for a table.
fn plain_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(|item| plain_text(item.get_ref())).collect();
            Some(items?.join(","))
        }
        DeValue::Table(_) => None,
    }
}

fn closest_key(name: &str) -> String {
    let near = SETTINGS
        .iter()
        .map(|row| (strsim::jaro_winkler(row.key, name), row.key))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, key)) => format!("did you mean {key:?}?"),
        None => "remove it; --show-settings lists the keys".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::regular_file::tests::{at_once, make_pipe};

    use super::*;

    #[test]
    fn a_pipe_in_place_of_the_file_is_reported_without_waiting_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("callbox.toml");
        make_pipe(&path);
        let error = at_once(move || SettingsFile::read(&path)).unwrap_err().to_string();
        assert!(error.ends_with("callbox.toml: cannot be read: it is a named pipe, not a regular file"), "{error}");
    }
}
