//! The settings of a server: flags override the environment, which overrides a TOML file, which
//! overrides the builder, which overrides the defaults.
//!
//! Settings are resolved once, at the start. The server hands each part the values that it needs;
//! no other module sees this one.
//!
//! - [`table`] declares every setting, once: its name, type, default and help.
//! - [`value_type`] says how each type is read from text and shown.
//! - [`flags`] and [`mod@file`] read two of the sources, and [`source`] decides which source
//!   counts.
//! - [`service_links`] recognises variables that a cluster sets.

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

/// What `--help` shows of the program.
#[derive(Debug)]
pub(crate) struct ProgramInfo<'a> {
    /// The name of the service.
    pub(crate) service: &'a str,
}

/// The outcome of resolving the settings.
#[derive(Debug)]
pub(crate) enum Resolved {
    /// Run the server with these settings.
    Run(Box<Settings>),
    /// Print this and exit with 0: the text of `--help`, `--version` or `--show-settings`.
    Print(String),
}

/// Resolves the builder over the defaults, for a server that reads no flags, environment or file.
///
/// # Errors
/// If the builder has a value that is not allowed.
pub(crate) fn resolve(builder: &BuilderSettings) -> Result<Settings, StartError> {
    Settings::from_sources(&Sources::default(), builder)
}

/// Resolves flags over environment over file over builder over defaults.
///
/// `args` begins with the name of the program, as [`std::env::args_os`] does. An environment
/// variable that is empty counts as not set, and so does a service link.
///
/// # Errors
/// For an unknown flag or key, a file that cannot be read, and a value that is not allowed. The
/// error is one line that names the source of the mistake.
pub(crate) fn resolve_from(
    builder: &BuilderSettings,
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<String>,
    about: &ProgramInfo<'_>,
) -> Result<Resolved, StartError> {
    let flags = match flags::read(args, about)? {
        flags::FlagsOutcome::Parsed(flags) => flags,
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
    let file = match flags.config.or_else(|| env("CALLBOX_CONFIG")) {
        Some(path) => Some(SettingsFile::read(path.as_ref())?),
        None => SettingsFile::read_if_there(file::DEFAULT_PATH.as_ref())?,
    };
    let mut settings = Settings::from_sources(&Sources { flags: flags.values, env: Some(&env), file }, builder)?;
    settings.ignored_variables = ignored_variables.take();
    if flags.show_settings {
        return Ok(Resolved::Print(settings.to_table()));
    }
    Ok(Resolved::Run(Box::new(settings)))
}

#[cfg(test)]
mod tests;
