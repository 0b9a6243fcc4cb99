//! Who checks tokens: the program's own authenticator, or a file.

use std::num::NonZeroU32;

use crate::auth::{AuthHandle, AuthLimits, Authenticate, TokenFile, Tokens};
use crate::router::TokenCheck;
use crate::settings::{ProgramInfo, Resolved, SettingSource, Settings, resolve_from};
use crate::start_error::{Result, StartError};

use super::Server;

/// An authenticator, whatever its type.
pub(crate) struct TokenChecker {
    pub(super) check: TokenCheck,
    start: Box<dyn FnOnce(AuthLimits) -> AuthHandle + Send>,
}

impl TokenChecker {
    pub(super) fn new<A: Authenticate>(authenticator: A) -> Self {
        let check = if authenticator.knows_scopes() { TokenCheck::WithScopes } else { TokenCheck::WithoutScopes };
        Self { check, start: Box::new(move |limits| AuthHandle::start(authenticator, limits)) }
    }

    /// The checker that counts: that of a file which somebody named, else the program's own, else that of the usual file, if it
    /// is there and the program takes settings from outside.
    ///
    /// # Errors
    /// If the file cannot be used, and if the program names both.
    pub(super) fn choose(own: Option<Self>, settings: &Settings, with_args: bool) -> Result<Option<Self>> {
        let origin = settings.source("tokens");
        let Some(path) = settings.tokens.as_deref() else { return Ok(own) };
        let counts = match origin {
            SettingSource::Default => own.is_none() && with_args && path.exists(),
            SettingSource::Builder if own.is_some() => {
                let fix = "keep one of .tokens(…) and .token_file(…)";
                return Err(StartError::new("the program says twice who checks tokens", fix));
            }
            _ => true,
        };
        if !counts {
            return Ok(own);
        }
        if own.is_some() {
            log_info!(by = %origin, "tokens are checked by a file, and not by the program's own authenticator");
        }
        let tokens = Tokens::open(path).map_err(|error| StartError::new(origin, &error).with_source(error))?;
        Ok(Some(Self::new(tokens)))
    }

    pub(super) fn start(self, failures: Option<NonZeroU32>) -> AuthHandle {
        (self.start)(AuthLimits::new(failures))
    }
}

impl Server {
    /// Whether the program says who checks tokens.
    #[cfg(feature = "testing")]
    pub(crate) fn checks_tokens(&self) -> bool {
        self.token_checker.is_some() || self.settings.tokens.is_some()
    }
}

impl TokenFile {
    /// The file that a server started here would use: what the environment variable `CALLBOX_TOKENS` names, else the key `tokens`
    /// in `callbox.toml`, else `callbox-tokens.toml`.
    ///
    /// # Errors
    /// If the environment or `callbox.toml` has a mistake, or says that there is no such file.
    pub fn usual() -> Result<Self> {
        // The rest is not asked for here, and may be wrong.
        let concerns = |name: &str| matches!(name, "CALLBOX_TOKENS" | "CALLBOX_CONFIG");
        let env = |name: &str| concerns(name).then(|| std::env::var(name).ok()).flatten();
        match resolve_from(&Default::default(), ["callbox".into()], env, &ProgramInfo { service: "callbox" })? {
            Resolved::Run(settings) => settings.tokens.map(Self::new),
            Resolved::Print(_) => None,
        }
        .ok_or_else(|| StartError::new("the setting `tokens` names no file", "name one there, or with --file"))
    }
}

#[cfg(test)]
mod tests;
