//! The token that is sent with a call.

use std::path::PathBuf;
use std::{env, fmt, fs};

use callbox::client::ClientBuilder;
use reqwest::header::HeaderName;

use crate::Result;

const TOKEN_VARIABLE: &str = "CALLBOX_TOKEN";

/// The flags for the token. Other users of the machine can read the command line, so there are
/// other sources, too.
#[derive(Clone, clap::Args)]
pub(crate) struct Credentials {
    /// Token for private methods [default: the token in --token-file, else in the environment
    /// variable CALLBOX_TOKEN]
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// File that contains only the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Header that carries the token, instead of `Authorization: Bearer`
    #[arg(long, value_name = "NAME")]
    token_header: Option<String>,
}

impl Credentials {
    /// Returns the name and value of the header that carries the token; `None` if there is no
    /// token.
    pub(crate) fn header(&self) -> Result<Option<(String, String)>> {
        let Some(token) = self.token()? else { return Ok(None) };
        match &self.token_header {
            Some(name) if HeaderName::from_bytes(name.as_bytes()).is_err() => {
                Err(format!("--token-header {name} is not a valid header name"))
            }
            Some(name) => Ok(Some((name.clone(), token))),
            None => Ok(Some(("authorization".to_owned(), format!("Bearer {token}")))),
        }
    }

    /// Adds the token to the settings of a client.
    pub(crate) fn apply_to(&self, mut client: ClientBuilder) -> Result<ClientBuilder> {
        if let Some(token) = self.token()? {
            client = client.token(token);
        }
        Ok(match &self.token_header {
            Some(name) => client.token_header(name),
            None => client,
        })
    }

    /// Returns the token for a call over NATS.
    pub(crate) fn token_for_nats(&self) -> Result<Option<String>> {
        if self.token_header.is_some() {
            return Err("--token-header is for http://: over NATS the token is in `Authorization`".to_owned());
        }
        self.token()
    }

    fn token(&self) -> Result<Option<String>> {
        let (token, from) = match (&self.token, &self.token_file) {
            (Some(token), _) => (token.clone(), "--token".to_owned()),
            (None, Some(path)) => {
                let from = path.display().to_string();
                (fs::read_to_string(path).map_err(|error| format!("{from}: {error}"))?, from)
            }
            (None, None) => match env::var(TOKEN_VARIABLE) {
                Ok(token) if token.trim().is_empty() => return Ok(None),
                Ok(token) => (token, TOKEN_VARIABLE.to_owned()),
                Err(env::VarError::NotPresent) => return Ok(None),
                Err(env::VarError::NotUnicode(_)) => return Err(format!("{TOKEN_VARIABLE} is not valid UTF-8")),
            },
        };
        let token = token.trim();
        // The token is sent in a header.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{from} does not contain a token: a token is one word of printable ASCII characters"));
        }
        Ok(Some(token.to_owned()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("token_file", &self.token_file).finish_non_exhaustive()
    }
}
