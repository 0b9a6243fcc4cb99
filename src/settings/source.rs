//! Which source a setting's value comes from.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use crate::start_error::StartError;

use super::file::SettingsFile;
use super::table::Settings;
use super::value_type::ValueType;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettingSource {
    /// A flag, by its name.
    Flag(String),
    /// An environment variable, by its name.
    Env(String),
    /// A line of a file.
    File(PathBuf, usize),
    /// The program itself.
    Builder,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Builder => f.write_str("builder"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl SettingSource {
    /// The setting as somebody would name it who looks for the mistake.
    fn subject(&self, key: &str) -> String {
        match self {
            Self::Flag(name) | Self::Env(name) => name.clone(),
            Self::File(..) => format!("{self}: {key}"),
            Self::Builder => format!("the {key} that the program itself sets"),
            Self::Default => format!("the default of {key}"),
        }
    }
}

/// One line of `--show-settings`.
#[derive(Clone, Debug)]
pub(super) struct ResolvedValue {
    key: &'static str,
    value: String,
    origin: SettingSource,
}

/// Looks a variable up.
type EnvLookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The sources that speak text, the strongest first.
#[derive(Default)]
pub(super) struct Sources<'a> {
    pub(super) flags: HashMap<&'static str, String>,
    pub(super) env: Option<&'a EnvLookup<'a>>,
    pub(super) file: Option<SettingsFile>,
}

impl Sources<'_> {
    /// The value of one setting, and a note in `shown` of where it came from.
    ///
    /// A value that a stronger source overrides is not looked at: so a flag can stand in for a broken variable.
    pub(super) fn pick<T: Clone>(
        &self,
        key: &'static str,
        value_type: &ValueType<T>,
        builder: Option<&T>,
        default: &str,
        shown: &mut Vec<ResolvedValue>,
    ) -> Result<T, StartError> {
        let (text, origin) = match (self.find(key), builder) {
            (Some(found), _) => found,
            // Through text as well, so that a program's own values pass the same checks.
            (None, Some(value)) => ((value_type.show)(value), SettingSource::Builder),
            (None, None) => (default.to_owned(), SettingSource::Default),
        };
        let Some(value) = (value_type.read)(&text) else {
            let subject = origin.subject(key);
            return Err(StartError::new(
                format_args!("{subject} is {text:?}"),
                format_args!("give {}", value_type.accepts),
            ));
        };
        // What the builder gave may hold more than its text: a path that is not UTF-8, say.
        let value = if origin == SettingSource::Builder { builder.cloned().unwrap_or(value) } else { value };
        let text = (value_type.show)(&value);
        shown.push(ResolvedValue { key, value: if text.is_empty() { "-".to_owned() } else { text }, origin });
        Ok(value)
    }

    fn find(&self, key: &str) -> Option<(String, SettingSource)> {
        let flag = || Some((self.flags.get(key)?.clone(), SettingSource::Flag(flag_name(key))));
        let env = || {
            let env = self.env?;
            env_names(key).find_map(|name| Some((env(&name)?, SettingSource::Env(name))))
        };
        let file = || {
            let file = self.file.as_ref()?;
            let entry = file.entries.get(key)?;
            Some((entry.text.clone(), SettingSource::File(file.path.clone(), entry.line)))
        };
        flag().or_else(env).or_else(file)
    }
}

/// `body_limit` → `--body-limit`
pub(super) fn flag_name(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// `body_limit` → `CALLBOX_BODY_LIMIT`. The log filter listens to `RUST_LOG` as well.
pub(super) fn env_names(key: &str) -> impl Iterator<Item = String> {
    let own = format!("CALLBOX_{}", key.to_ascii_uppercase());
    std::iter::once(own).chain((key == "log").then(|| "RUST_LOG".to_owned()))
}

impl Settings {
    /// Where the setting with this key came from, for an error that shows only when the value is used: a port that is taken.
    pub(crate) fn source(&self, key: &str) -> &SettingSource {
        self.shown.iter().find(|shown| shown.key == key).map_or(&SettingSource::Default, |shown| &shown.origin)
    }

    /// How the URLs of the server begin.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }

    /// Each value and where it came from, as an aligned table.
    pub(super) fn to_table(&self) -> String {
        let width = |column: fn(&ResolvedValue) -> &str| {
            self.shown.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (keys, values) = (width(|row| row.key), width(|row| &row.value));
        let mut table = format!("{:keys$}  {:values$}  from\n", "setting", "value");
        for ResolvedValue { key, value, origin } in &self.shown {
            table += &format!("{key:keys$}  {value:values$}  {origin}\n");
        }
        table
    }
}
