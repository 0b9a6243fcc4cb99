//! The source of a value, as `--show-settings` and errors name it.

use std::fmt;
use std::path::PathBuf;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettingSource {
    /// A flag, by its name.
    Flag(String),
    /// An environment variable, by its name.
    Env(String),
    /// A line of a file.
    File(PathBuf, usize),
    /// The builder, so the program itself.
    Builder,
    /// The default: no source has a value.
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
    /// Returns the name of the setting in this source, for an error about its value.
    pub(super) fn subject(&self, key: &str) -> String {
        match self {
            Self::Flag(name) | Self::Env(name) => name.clone(),
            Self::File(..) => format!("{self}: {key}"),
            Self::Builder => format!("the {key} that the program itself sets"),
            Self::Default => format!("the default of {key}"),
        }
    }
}
