//! The sources of settings, and which of them counts.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::start_error::StartError;

use super::file::SettingsFile;
use super::setting_source::SettingSource;
use super::table::Settings;
use super::value_type::ValueType;

/// The value of one setting and its source: one line of `--show-settings`.
#[derive(Clone, Debug)]
pub(super) struct ResolvedValue {
    key: Cow<'static, str>,
    value: String,
    source: SettingSource,
}

/// Returns the value of an environment variable.
type EnvLookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The sources that are text, in the order of their precedence.
#[derive(Default)]
pub(super) struct Sources<'a> {
    pub(super) flags: HashMap<&'static str, String>,
    pub(super) env: Option<&'a EnvLookup<'a>>,
    pub(super) file: Option<SettingsFile>,
}

impl Sources<'_> {
    /// Returns the value of one setting, and adds it with its source to `resolved`.
    ///
    /// A value that another source overrides is not read, so a flag can stand in for a broken
    /// variable.
    ///
    /// # Errors
    /// If the value is not one of this type.
    pub(super) fn resolve<T: Clone>(
        &self,
        key: &'static str,
        value_type: &ValueType<T>,
        builder: Option<&T>,
        default: &str,
        resolved: &mut Vec<ResolvedValue>,
    ) -> Result<T, StartError> {
        let (text, source) = match (self.find(key), builder) {
            (Some(found), _) => found,
            // Turned into text as well, so that the program's own values pass the same checks.
            (None, Some(value)) => ((value_type.show)(value), SettingSource::Builder),
            (None, None) => (default.to_owned(), SettingSource::Default),
        };
        let Some(value) = (value_type.read)(&text) else {
            let subject = source.subject(key);
            return Err(StartError::new(
                format_args!("{subject} is {text:?}"),
                format_args!("give {}", value_type.accepts),
            ));
        };
        // The builder's own value may hold more than its text: a path that is not UTF-8, for
        // example.
        let value = if source == SettingSource::Builder { builder.cloned().unwrap_or(value) } else { value };
        let text = (value_type.show)(&value);
        resolved.push(ResolvedValue {
            key: key.into(),
            value: if text.is_empty() { "-".to_owned() } else { text },
            source,
        });
        Ok(value)
    }

    /// Returns the text of a setting from the first source that has it.
    fn find(&self, key: &str) -> Option<(String, SettingSource)> {
        let flag = || Some((self.flags.get(key)?.clone(), SettingSource::Flag(flag_name(key))));
        let env = || {
            let env = self.env?;
            env_names(key).find_map(|name| Some((env(&name)?, SettingSource::Env(name))))
        };
        let file = || {
            let file = self.file.as_ref()?;
            let value = file.values.get(key)?;
            Some((value.text.clone(), SettingSource::File(file.path.clone(), value.line)))
        };
        flag().or_else(env).or_else(file)
    }
}

/// Returns the flag of a setting: `--body-limit` for `body_limit`.
pub(super) fn flag_name(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// Returns the environment variables of a setting: `CALLBOX_BODY_LIMIT` for `body_limit`. The log
/// filter has `RUST_LOG` as well.
pub(super) fn env_names(key: &str) -> impl Iterator<Item = String> {
    let own = format!("CALLBOX_{}", key.to_ascii_uppercase());
    std::iter::once(own).chain((key == "log").then(|| "RUST_LOG".to_owned()))
}

impl Settings {
    /// Returns the source of a setting, for errors that appear only when its value is used, such as
    /// a port in use.
    pub(crate) fn source(&self, key: &str) -> &SettingSource {
        self.resolved.iter().find(|value| value.key == key).map_or(&SettingSource::Default, |value| &value.source)
    }

    /// Returns the settings that only a listener of callbox uses and that somebody has set, each
    /// with its source.
    pub(crate) fn set_for_own_listener(&self) -> impl Iterator<Item = (&str, &SettingSource)> {
        const OF_LISTENER: [&str; 7] = [
            "tls_cert",
            "tls_key",
            "workers",
            "keep_alive",
            "max_connections",
            "max_connections_per_peer",
            "allow_half_closed",
        ];
        let set = |value: &&ResolvedValue| OF_LISTENER.contains(&&*value.key) && value.source != SettingSource::Default;
        self.resolved.iter().filter(set).map(|value| (&*value.key, &value.source))
    }

    /// Adds the settings of the program itself to the table.
    pub(super) fn add_rows(&mut self, rows: Vec<(String, String, SettingSource)>) {
        let row = |(path, value, source): (String, _, _)| ResolvedValue { key: path.into(), value, source };
        self.resolved.extend(rows.into_iter().map(row));
    }

    /// Returns the URL of the endpoint for clients, if there is a public URL.
    pub(crate) fn public_endpoint(&self) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{url}{}", self.endpoint))
    }

    /// Returns the scheme of the server's URLs.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }

    /// Returns each value and its source as a table with aligned columns.
    pub(super) fn to_table(&self) -> String {
        let width = |column: fn(&ResolvedValue) -> &str| {
            self.resolved.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (keys, values) = (width(|row| &row.key), width(|row| &row.value));
        let mut table = format!("{:keys$}  {:values$}  from\n", "setting", "value");
        for ResolvedValue { key, value, source } in &self.resolved {
            table += &format!("{key:keys$}  {value:values$}  {source}\n");
        }
        table
    }
}
