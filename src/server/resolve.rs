//! From what the builder says, and what else counts, to the settings of a run.

use crate::settings::{ProgramInfo, Resolved, Settings, resolve, resolve_from};
use crate::start_error::Result;

use super::Server;

/// How a server is to be run.
#[derive(Debug)]
pub(crate) enum Resolution {
    Run(Box<Server>, Box<Settings>),
    /// Only to print something: `--help` and the like.
    Print(String),
}

impl Server {
    pub(crate) fn resolve(mut self) -> Result<Resolution> {
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        let env = |name: &str| std::env::var(name).ok();
        if !self.with_args {
            // That variable is not ours, and whoever sets it means every program.
            self.settings.log = self.settings.log.or_else(|| env("RUST_LOG").filter(|filter| !filter.is_empty()));
            let settings = resolve(&self.settings)?;
            return Ok(Resolution::Run(Box::new(self), Box::new(settings)));
        }
        let about = ProgramInfo { service: self.plans.first().map_or("callbox", |plan| plan.name()) };
        Ok(match resolve_from(&self.settings, std::env::args_os(), env, &about)? {
            Resolved::Run(settings) => Resolution::Run(Box::new(self), settings),
            Resolved::Print(text) => Resolution::Print(text),
        })
    }
}
