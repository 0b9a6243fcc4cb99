//! From the builder, and the sources that override it, to the settings of a run.

use crate::log::LogFormat;
use crate::settings::{ProgramInfo, Resolved, Settings, resolve, resolve_from};
use crate::start_error::Result;

use super::Server;
use super::app_config::AppPlan;

/// What a program is to do with its server.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// Run it with these settings.
    Run(Box<Server>, Box<Settings>),
    /// Print this and exit: the text of `--help`, `--version` or `--show-settings`.
    Print(String),
}

impl Server {
    /// Returns the format of the log as the sources say that can be read without a mistake: for the
    /// error of one that cannot. The file is not among them.
    pub(super) fn likely_log_format(&self) -> LogFormat {
        let given = self.settings.log_format.unwrap_or_default();
        if !self.with_args {
            return given;
        }
        let args: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let flag = args.iter().enumerate().rev().find_map(|(at, arg)| match arg.strip_prefix("--log-format")? {
            "" => args.get(at + 1).map(String::as_str),
            value => value.strip_prefix('='),
        });
        let variable = std::env::var("CALLBOX_LOG_FORMAT").ok();
        flag.or(variable.as_deref()).and_then(|name| name.parse().ok()).unwrap_or(given)
    }

    /// Resolves the settings, with the sources that [`with_args`](Self::with_args) allows.
    ///
    /// # Errors
    /// For a mistake of the builder, of a flag, of a variable, or of the file.
    pub(crate) fn resolve(mut self) -> Result<Resolution> {
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        let env = |name: &str| std::env::var(name).ok();
        if !self.with_args {
            // `RUST_LOG` is not specific to callbox: it is meant for every program.
            self.settings.log = self.settings.log.or_else(|| env("RUST_LOG").filter(|filter| !filter.is_empty()));
            let settings = resolve(&self.settings)?;
            self.app = Some(AppPlan::Given(self.resolve_app_alone()?));
            return Ok(Resolution::Run(Box::new(self), Box::new(settings)));
        }
        let service = self.service_name();
        let (resolved, app) = self.with_app_request(|app| {
            resolve_from(&self.settings, std::env::args_os(), env, &ProgramInfo { service, app })
        })?;
        self.app = Some(AppPlan::Given(app));
        Ok(match resolved {
            Resolved::Run(settings) => Resolution::Run(Box::new(self), settings),
            Resolved::Print(text) => Resolution::Print(text),
        })
    }
}
