//! What checks tokens: the program's own authenticator, or a token file.

use std::num::NonZeroU32;

use crate::auth::{AuthHandle, AuthLimits, Authenticate, TokenFile, Tokens};
use crate::router::TokenCheck;
use crate::settings::{OwnSettings, ProgramInfo, Resolved, SettingSource, Settings, resolve_from};
use crate::start_error::{Result, StartError};

use super::Server;

/// An authenticator with its type erased, not started yet.
pub(crate) struct TokenChecker {
    pub(super) check: TokenCheck,
    start: Box<dyn FnOnce(AuthLimits) -> AuthHandle + Send>,
}

impl TokenChecker {
    pub(super) fn new<A: Authenticate>(authenticator: A) -> Self {
        let check = if authenticator.knows_scopes() { TokenCheck::WithScopes } else { TokenCheck::WithoutScopes };
        Self { check, start: Box::new(move |limits| AuthHandle::start(authenticator, limits)) }
    }

    /// Chooses what checks tokens: a token file that a setting names, else the program's own
    /// authenticator, else the default file, if it exists and the program takes settings from
    /// outside.
    ///
    /// # Errors
    /// If the file cannot be used, and if the program itself names both.
    pub(super) fn choose(own: Option<Self>, settings: &Settings, with_args: bool) -> Result<Option<Self>> {
        let origin = settings.source("tokens");
        let Some(path) = settings.tokens.as_deref() else { return Ok(own) };
        let counts = match origin {
            SettingSource::Default => own.is_none() && with_args && path.exists(),
            SettingSource::Builder if own.is_some() => {
                let fix = "keep one of .tokens(…) and .token_file(…)";
                return Err(StartError::new("the program has an authenticator and a token file", fix));
            }
            _ => true,
        };
        if !counts {
            return Ok(own);
        }
        if own.is_some() {
            log_info!(source = %origin, "a token file overrides the program's own authenticator");
        }
        let tokens = Tokens::open(path).map_err(|error| StartError::new(origin, &error).with_source(error))?;
        Ok(Some(Self::new(tokens)))
    }

    pub(super) fn start(self, failures: Option<NonZeroU32>) -> AuthHandle {
        (self.start)(AuthLimits::new(failures))
    }
}

impl Server {
    /// Whether the program has an authenticator or a token file.
    #[cfg(feature = "testing")]
    pub(crate) fn checks_tokens(&self) -> bool {
        self.token_checker.is_some() || self.settings.tokens.is_some()
    }
}

impl TokenFile {
    /// Returns the file that a server started in this directory would use: the value of the
    /// environment variable `CALLBOX_TOKENS`, else the key `tokens` in `callbox.toml`, else
    /// `callbox-tokens.toml`.
    ///
    /// # Errors
    /// If the environment or `callbox.toml` has a mistake, or names no file for `tokens`.
    pub fn usual() -> Result<Self> {
        // Other variables are not read, so a mistake in one of them does not matter here.
        let is_relevant = |name: &str| matches!(name, "CALLBOX_TOKENS" | "CALLBOX_CONFIG");
        let env = |name: &str| is_relevant(name).then(|| std::env::var(name).ok()).flatten();
        let about = ProgramInfo { service: "callbox", app: OwnSettings::Ignored };
        match resolve_from(&Default::default(), ["callbox".into()], env, &about)? {
            Resolved::Run(settings) => settings.tokens.map(Self::new),
            Resolved::Print(_) => None,
        }
        .ok_or_else(|| StartError::new("the setting `tokens` names no file", "name one there, or with --file"))
    }
}

#[cfg(test)]
mod tests;
