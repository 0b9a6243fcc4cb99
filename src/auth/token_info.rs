//! What a token file has about a token, and a token that was just issued.

use std::fmt;
use std::time::SystemTime;

use super::digest::{Digest, to_hex};

/// What a [`TokenFile`](crate::auth::TokenFile) has about a token: everything but the token itself.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) created: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
    pub(super) digest: Digest,
}

/// A token that was just issued. Show it to its holder now: the file has only its hash.
///
/// ```
/// # fn main() -> callbox::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// let file = callbox::auth::TokenFile::new(directory.path().join("tokens.toml"));
/// let token = file.issue("ci", &["admin"], None)?;
/// println!("{}", token.reveal());
/// assert!(!format!("{token:?}").contains(token.reveal()));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct IssuedToken {
    pub(super) info: TokenInfo,
    pub(super) text: String,
}

impl TokenInfo {
    /// Returns the id, by which the token is looked up. It is the second part of the token, and not
    /// secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name of its holder, which is the [name](crate::Caller::name) of the caller.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the [scopes](crate::Caller::scopes) of the caller.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Returns the time at which the token was made, to the second, if the file has it.
    pub fn created(&self) -> Option<SystemTime> {
        self.created
    }

    /// Returns the time from which on the token is rejected, to the second; `None` if it never
    /// expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Whether the token has expired.
    pub fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Whether this is the id or the name of the token.
    pub(super) fn matches(&self, id_or_name: &str) -> bool {
        self.id == id_or_name || self.name == id_or_name
    }
}

impl IssuedToken {
    /// Returns the token as its holder sends it. Keep it out of logs.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns what the file has about the token.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("info", &self.info).finish_non_exhaustive()
    }
}

/// Prefix of each token, by which people and secret scanners recognise one.
pub(super) const PREFIX: &str = "cbx_";

/// Length of the secret of a token, in bytes.
const SECRET: usize = 32;

/// Length of the id of a token, in bytes.
const ID: usize = 6;

/// Makes a token, `cbx_<id>_<secret>`, from random numbers of the operating system. Returns its
/// text and its id.
///
/// # Errors
/// If the operating system has no random numbers.
pub(super) fn generate() -> Result<(String, String), getrandom::Error> {
    let mut bytes = [0; ID + SECRET];
    getrandom::fill(&mut bytes)?;
    let (id, secret) = bytes.split_at(ID);
    let id = to_hex(id);
    Ok((format!("{PREFIX}{id}_{}", to_hex(secret)), id))
}

/// Returns the id in the text of a token.
pub(super) fn id_of(token: &str) -> Option<&str> {
    token.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

/// Whether a text has the form of an id.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 2 * ID && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_of_an_id_and_a_secret_of_256_bits() {
        let (token, id) = generate().unwrap();
        assert!(is_id(&id));
        assert_eq!(id_of(&token), Some(id.as_str()));
        assert_eq!(token.len(), "cbx__".len() + 12 + 64);
        let (other, other_id) = generate().unwrap();
        assert!(token != other && id != other_id);
        for text in ["", "cbx", "cbx_", "cbx_0123456789ab", "abc_0123456789ab_x", "0123456789ab_x"] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
