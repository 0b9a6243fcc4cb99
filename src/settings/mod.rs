//! Settings: flags over environment over a TOML file over the builder over defaults.
//!
//! They are resolved once, at the edge; the server hands each part inward what it needs, and no other module sees this one.
//!
//! - [`table`] declares every setting, once: its name, type, default and help.
//! - [`value_type`] says how a type is read from text and shown.
//! - [`flags`], [`mod@file`] and [`source`] are where text comes from, and which of it wins.

mod file;
mod flags;
mod service_links;
mod source;
mod table;
mod value_type;

use std::cell::RefCell;
use std::ffi::OsString;

use crate::start_error::StartError;

pub(crate) use source::SettingSource;
pub(crate) use table::{BuilderSettings, Settings};

use file::SettingsFile;
use source::Sources;

/// What `--help` and `--version` tell of the program.
#[derive(Debug)]
pub(crate) struct ProgramInfo<'a> {
    /// The name of the service.
    pub(crate) service: &'a str,
}

/// What came of the command line.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// Start with these.
    Run(Box<Settings>),
    /// Print this and exit with 0: `--help`, `--version` and `--show-settings` do not start anything.
    Print(String),
}

/// Resolves what the builder says over the defaults, for a server that reads no flags, environment or file.
///
/// # Errors
/// When the builder gave a value that is not allowed.
pub(crate) fn resolve(builder: &BuilderSettings) -> Result<Settings, StartError> {
    Settings::from_sources(&Sources::default(), builder)
}

/// Resolves flags over environment over file over builder over defaults.
///
/// `args` begins with the program's own name, as [`std::env::args_os`] does. An environment variable that is empty counts as
/// not set, and so does one that is a cluster's.
///
/// # Errors
/// For an unknown flag or key, a file that cannot be read, and a value that is not allowed: one line each, which names the
/// source of the mistake.
pub(crate) fn resolve_from(
    builder: &BuilderSettings,
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<String>,
    about: &ProgramInfo<'_>,
) -> Result<Resolved, StartError> {
    let given = match flags::read(args, about)? {
        flags::FlagsOutcome::Parsed(given) => given,
        flags::FlagsOutcome::Print(text) => return Ok(Resolved::Print(text)),
    };
    let ignored_variables = RefCell::new(Vec::new());
    let env = |name: &str| {
        let value = env(name).filter(|value| !value.is_empty())?;
        if service_links::is_service_link(name, &value) {
            ignored_variables.borrow_mut().push(format!("{name} is {value:?}"));
            return None;
        }
        Some(value)
    };
    let file = match given.config.or_else(|| env("CALLBOX_CONFIG")) {
        Some(path) => Some(SettingsFile::read(path.as_ref())?),
        None => SettingsFile::read_if_there(file::DEFAULT_PATH.as_ref())?,
    };
    let mut settings = Settings::from_sources(&Sources { flags: given.values, env: Some(&env), file }, builder)?;
    settings.ignored_variables = ignored_variables.take();
    if given.show_settings {
        return Ok(Resolved::Print(settings.to_table()));
    }
    Ok(Resolved::Run(Box::new(settings)))
}

#[cfg(test)]
mod tests;
