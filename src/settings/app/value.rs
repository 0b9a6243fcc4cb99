//! A tree of values, each with its source.

use std::collections::BTreeMap;

use toml::de::{DeInteger, DeTable, DeValue};

use super::super::setting_source::SettingSource;
use super::secrets::Shown;
use super::text;

/// A value and its source.
#[derive(Clone, Debug)]
pub(in super::super) struct AppValue {
    pub(super) kind: Kind,
    pub(super) source: SettingSource,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The text of a variable or a flag, which is read as the type of its field requires.
    Text(String),
    String(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Array(Vec<AppValue>),
    Table(BTreeMap<String, AppValue>),
}

impl AppValue {
    /// Returns an empty table.
    pub(in super::super) fn table(source: SettingSource) -> Self {
        Self { kind: Kind::Table(BTreeMap::new()), source }
    }

    pub(super) fn text(text: &str, source: SettingSource) -> Self {
        Self { kind: Kind::Text(text.to_owned()), source }
    }

    /// Returns a table of a TOML file. `source` returns the source of what begins at this offset.
    pub(in super::super) fn from_table(
        table: &DeTable<'_>,
        own: SettingSource,
        source: &dyn Fn(usize) -> SettingSource,
    ) -> Self {
        let entry = |key: &toml::Spanned<toml::de::DeString<'_>>, value: &toml::Spanned<DeValue<'_>>| {
            let value = Self::from_toml(value.get_ref(), source(key.span().start), source);
            (key.get_ref().to_string(), value)
        };
        let entries = table.iter().map(|(key, value)| entry(key, value)).collect();
        Self { kind: Kind::Table(entries), source: own }
    }

    /// Returns a TOML value.
    pub(super) fn from_toml(value: &DeValue<'_>, own: SettingSource, source: &dyn Fn(usize) -> SettingSource) -> Self {
        let kind = match value {
            DeValue::String(text) => Kind::String(text.to_string()),
            DeValue::Integer(number) => integer(number).map_or_else(|| Kind::Text(number.to_string()), Kind::Integer),
            DeValue::Float(number) => {
                number.as_str().parse().map_or_else(|_| Kind::Text(number.to_string()), Kind::Float)
            }
            DeValue::Boolean(value) => Kind::Bool(*value),
            // Types of dates and times read them from text.
            DeValue::Datetime(time) => Kind::String(time.to_string()),
            DeValue::Array(items) => {
                Kind::Array(items.iter().map(|item| Self::from_toml(item.get_ref(), own.clone(), source)).collect())
            }
            DeValue::Table(table) => return Self::from_table(table, own, source),
        };
        Self { kind, source: own }
    }

    /// Sets the value at a path, over whatever is there. Variables have no dashes and no capitals,
    /// so a key of the file may be written with them. The text of a variable or a flag that is a
    /// table keeps its other keys.
    pub(super) fn set(&mut self, path: &[&str], value: Self) {
        let [key, rest @ ..] = path else {
            *self = value;
            return;
        };
        if let Kind::Text(text) = &self.kind
            && let Some(table) = text::table(text, &self.source)
        {
            *self = table;
        }
        if !matches!(self.kind, Kind::Table(_)) {
            *self = Self::table(value.source.clone());
        }
        let Kind::Table(entries) = &mut self.kind else { return };
        let known = entries.keys().find(|known| names_same(known, key)).cloned();
        let source = value.source.clone();
        entries
            .entry(known.unwrap_or_else(|| (*key).to_owned()))
            .or_insert_with(|| Self::table(source))
            .set(rest, value);
    }

    /// Whether the value comes from variables alone, so that it may be meant for another program.
    pub(super) fn is_of_environment(&self) -> bool {
        match &self.kind {
            Kind::Table(entries) if !entries.is_empty() => entries.values().all(Self::is_of_environment),
            _ => matches!(self.source, SettingSource::Env(_)),
        }
    }

    /// Returns the first source in the tree.
    pub(super) fn first_source(&self) -> &SettingSource {
        match &self.kind {
            Kind::Table(entries) => entries.values().next().map_or(&self.source, Self::first_source),
            _ => &self.source,
        }
    }

    /// Adds a line for each value that is not a table.
    pub(super) fn collect_rows(&self, path: &str, rows: &mut Vec<(String, String, SettingSource)>) {
        if let Kind::Table(entries) = &self.kind {
            for (key, value) in entries {
                value.collect_rows(&format!("{path}.{key}"), rows);
            }
        } else {
            rows.push((path.to_owned(), Shown::new(path, self).text, self.source.clone()));
        }
    }
}

/// Whether a key of a variable or flag means this key of a file or of a type: `page_size` means
/// `page-size`, too.
pub(super) fn names_same(key: &str, given: &str) -> bool {
    key == given || key.replace('-', "_").eq_ignore_ascii_case(given)
}

fn integer(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}
