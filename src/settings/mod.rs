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
//! - [`app`] has the settings of the program itself, whose names and types callbox does not know.
//! - [`service_links`] recognises variables that a cluster sets.

mod app;
mod file;
mod flags;
mod metrics_place;
mod nats_url;
mod service_links;
mod setting_source;
mod source;
mod table;
mod value_type;

use std::cell::RefCell;
use std::ffi::OsString;

use crate::start_error::StartError;

pub(crate) use app::{AppNotes, AppSettings, PREFIX as APP_PREFIX};
pub(crate) use metrics_place::MetricsPlace;
pub(crate) use nats_url::NatsUrl;
pub(crate) use setting_source::SettingSource;
pub(crate) use table::{BuilderSettings, Settings};

use file::SettingsFile;
use source::Sources;

/// What the command line has to know of the program.
pub(crate) struct ProgramInfo<'a> {
    /// The name of the service.
    pub(crate) service: &'a str,
    /// What becomes of the settings of the program itself.
    pub(crate) app: OwnSettings<'a>,
}

/// What becomes of the settings of the program itself.
pub(crate) enum OwnSettings<'a> {
    /// The program has none, so a section for them is a mistake.
    None,
    /// They are those of another program.
    Ignored,
    /// The program reads them.
    Read {
        /// The variables whose names begin with [`APP_PREFIX`], with their values.
        variables: Vec<(String, String)>,
        read: &'a dyn Fn(&AppSettings) -> Result<AppNotes, StartError>,
    },
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
    let mut sources = Sources { flags: flags.values, env: Some(&env), file };
    let mut settings = Settings::from_sources(&sources, builder)?;
    settings.ignored_variables = ignored_variables.take();
    let section = sources.file.as_mut().and_then(|file| file.app.take());
    match (&about.app, section) {
        (OwnSettings::Read { variables, read }, section) => {
            let own = AppSettings::merge(section, variables, &flags.app)?;
            let notes = read(&own)?;
            settings.add_rows(own.rows(&notes));
            settings.app_warnings = notes.warnings;
        }
        (OwnSettings::None, Some(section)) => return Err(AppSettings::not_expected(&section)),
        (OwnSettings::None, None) | (OwnSettings::Ignored, _) => {}
    }
    if flags.show_settings {
        return Ok(Resolved::Print(settings.to_table()));
    }
    Ok(Resolved::Run(Box::new(settings)))
}

#[cfg(test)]
mod tests;
