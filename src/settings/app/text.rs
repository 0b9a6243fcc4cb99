//! The text of a variable or a flag, which is read as its field requires.

use toml::de::DeValue;

use super::super::setting_source::SettingSource;
use super::super::value_type::SWITCH;
use super::value::{AppValue, Kind};

/// Reads a switch: `true`, `yes`, `on`, `1`, and their opposites.
pub(super) fn switch(text: &str) -> Option<bool> {
    (SWITCH.read)(text.trim())
}

/// Reads a list: an array as in TOML, or items with commas between them.
pub(super) fn list(text: &str, source: &SettingSource) -> Vec<AppValue> {
    match toml_value(text, source) {
        Some(AppValue { kind: Kind::Array(items), .. }) => items,
        _ => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| AppValue::text(item, source.clone()))
            .collect(),
    }
}

/// Reads a table as in TOML: `{ host = "localhost", port = 25 }`.
pub(super) fn table(text: &str, source: &SettingSource) -> Option<AppValue> {
    toml_value(text, source).filter(|value| matches!(value.kind, Kind::Table(_)))
}

/// Reads whatever the text is in TOML: a number, a switch, a list, a table. `None` for a string.
pub(super) fn toml_value(text: &str, source: &SettingSource) -> Option<AppValue> {
    let value = DeValue::parse(text.trim()).ok()?;
    let value = AppValue::from_toml(value.get_ref(), source.clone(), &|_| source.clone());
    (!matches!(value.kind, Kind::String(_))).then_some(value)
}
