//! What is known of a token, and a token that was just made.

use std::fmt;
use std::time::SystemTime;

use super::digest::{Digest, to_hex};

/// What a [`TokenFile`](crate::auth::TokenFile) knows of a token: all but the token itself.
#[derive(Clone, Debug)]
pub struct TokenInfo {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) created: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
    pub(super) digest: Digest,
}

/// A token that was just made. Only its holder can keep it: the file has no more than its hash.
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
    /// By which the token is found; the token's own second part. Not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// AuthRequest it is: the [name](crate::Caller::name) of its caller.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The [scopes](crate::Caller::scopes) of its caller.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// When it was made, if the file says so. To the second.
    pub fn created(&self) -> Option<SystemTime> {
        self.created
    }

    /// From when on it is refused; `None` for never. To the second.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Whether it is refused for its age.
    pub fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Whether somebody means this token by a word.
    pub(super) fn is_called(&self, id_or_name: &str) -> bool {
        self.id == id_or_name || self.name == id_or_name
    }
}

impl IssuedToken {
    /// The token as its holder sends it. Keep it out of logs.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What the file knows of it.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("info", &self.info).finish_non_exhaustive()
    }
}

/// With which each token begins, so that people and scanners of source code recognise one.
pub(super) const PREFIX: &str = "cbx_";

/// The bytes of a token's secret, and of its id.
const SECRET: usize = 32;
const ID: usize = 6;

/// The text of a new token and its id: `cbx_<id>_<secret>`, by the operating system's randomness.
///
/// # Errors
/// If the operating system has none.
pub(super) fn generate() -> Result<(String, String), getrandom::Error> {
    let mut bytes = [0; ID + SECRET];
    getrandom::fill(&mut bytes)?;
    let (id, secret) = bytes.split_at(ID);
    let id = to_hex(id);
    Ok((format!("{PREFIX}{id}_{}", to_hex(secret)), id))
}

/// The id in the text of a token.
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
