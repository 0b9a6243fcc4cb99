//! The authenticator for JSON Web Tokens.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use crate::BoxError;
use crate::start_error::{Result, StartError};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

use super::file_watcher::{FileWatcher, Sensitivity};
use super::key_set::KeySet;
use super::{Authenticate, Caller};

/// Maximum difference between the clocks of the issuer and of this machine.
const LEEWAY: Duration = Duration::from_secs(30);

/// The values of `typ` that an access token may have. Tokens for other purposes, such as
/// `logout+jwt`, may be signed with the same key.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Checks JSON Web Tokens that one issuer made for one audience, with a set of keys. A handle:
/// cheap to clone. Needs the feature `jwt`.
///
/// A token must name its key (`kid`), be signed with it, and have `iss`, `aud` and `exp`. `nbf` is
/// checked if present, and clocks may differ by 30 s. The caller has the name in `sub` and the
/// scopes in `scope`, separated by spaces, or in the list `scopes`.
///
/// The keys are a [JWK set](https://www.rfc-editor.org/rfc/rfc7517#section-5), as issuers publish
/// it. **The key decides on the algorithm**, by its `alg`, or else by its kind: RS256 for RSA,
/// ES256 and ES384 for the curves P-256 and P-384, EdDSA for Ed25519, HS256 for secrets. A token
/// with another algorithm is rejected, so no public key can be used as a secret, and `none` is no
/// algorithm. Keys for encryption and of unknown kinds are ignored.
///
/// A set with a weak key is rejected as a whole. Weak are an RSA key of less than 2,048 bits or
/// with a small or even exponent, a point that is not on its curve or has a small order, and a
/// secret that is shorter than the hash of its algorithm or padded with zeros to that length.
///
/// A reader of a set with secrets or private keys can make tokens, so only the owner should have
/// the right to read such a file. If everybody on the machine may read it, the log has a warning.
///
/// Keys can be replaced while the server runs: with [`replace_keys`](Self::replace_keys), or by
/// changing the file given to [`from_file`](Self::from_file). Within a tenth of a second a removed
/// key is no longer trusted. callbox does not fetch keys over the network: let another program
/// fetch them and write the file.
///
/// A valid token is cached for up to 10 s, unless the keys change or the token expires before. A
/// single token cannot be revoked, so issuers should make tokens expire soon.
///
/// ```no_run
/// use callbox::auth::Jwt;
/// use callbox::Server;
/// # #[derive(Default)] struct MyService;
/// # #[callbox::service(name = "name.your.service")]
/// # impl MyService { #[private_api_method] fn ping(&self) {} }
///
/// fn main() -> callbox::Result<()> {
///     let tokens = Jwt::from_file("https://login.example.org", "my-service", "keys.json")?;
///     Server::new(MyService::default).tokens(tokens).with_args().start()
/// }
/// ```
#[derive(Clone)]
pub struct Jwt {
    shared: Arc<JwtState>,
}

/// The state that the handles share with the thread that watches the file.
struct JwtState {
    issuer: String,
    audience: String,
    keys: Mutex<Arc<KeySet>>,
    generation: AtomicU64,
}

/// The claims of a token that callbox uses, in addition to those that the library checks.
#[derive(Deserialize)]
struct Claims {
    /// Checked here as well: the library accepts a list in which only one issuer is right.
    iss: String,
    exp: f64,
    sub: Option<String>,
    scope: Option<Scopes>,
    scopes: Option<Scopes>,
}

/// A list of scopes. Issuers write it in both ways.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scopes {
    Text(String),
    List(Vec<String>),
}

impl Jwt {
    /// Makes an authenticator for the tokens that `issuer` (`iss`) makes for `audience` (`aud`),
    /// signed with a key of this JWK set.
    ///
    /// # Errors
    /// If the issuer or the audience is empty, or the text is not a set of strong keys with ids.
    pub fn new(issuer: &str, audience: &str, keys: &str) -> Result<Self> {
        Self::named(issuer, audience, keys, "the JWK set").map(|(jwt, _)| jwt)
    }

    /// Makes an authenticator like [`new`](Self::new), with the JWK set in a file, which is read
    /// again when it changes. If the file is broken or missing then, the keys stay as they were,
    /// and the log has an error.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and if the file cannot be read.
    pub fn from_file(issuer: &str, audience: &str, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mut watcher = FileWatcher::new(&path);
        let text = watcher.read_if_changed().map_err(|error| unreadable(&path, error))?.unwrap_or_default();
        let name = path.display().to_string();
        let (jwt, sensitivity) = Self::named(issuer, audience, &text, &name)?;
        watcher.accepted(sensitivity);
        let load = move |shared: &JwtState, text: std::io::Result<String>| {
            shared.load(&text.map_err(|error| unreadable(&path, error))?, &name)
        };
        watcher.watch(&jwt.shared, load)?;
        Ok(jwt)
    }

    fn named(issuer: &str, audience: &str, keys: &str, name: &str) -> Result<(Self, Sensitivity)> {
        // If another crate enables another provider, the library chooses none by itself. A provider
        // that is installed already stays.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        for (what, text) in [("issuer", issuer), ("audience", audience)] {
            if text.is_empty() {
                let fix = "name the one that tokens must have: otherwise any token that the keys sign would be valid";
                return Err(StartError::new(format_args!("the {what} of the tokens is empty"), fix));
            }
        }
        let shared = JwtState {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys: Mutex::default(),
            generation: AtomicU64::new(0),
        };
        let sensitivity = shared.load(keys, name)?;
        Ok((Self { shared: Arc::new(shared) }, sensitivity))
    }

    /// Replaces the keys by those of this JWK set.
    ///
    /// # Errors
    /// If the text is not a set of strong keys with ids. Then the keys stay as they were.
    pub fn replace_keys(&self, keys: &str) -> Result<()> {
        self.shared.load(keys, "the JWK set").map(drop)
    }
}

impl Authenticate for Jwt {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok(self.shared.check(token))
    }

    fn keep_for(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }
}

impl JwtState {
    /// Replaces the keys by those of a JWK set, which has this name in errors.
    fn load(&self, keys: &str, name: &str) -> Result<Sensitivity> {
        let keys = KeySet::parse(keys).map_err(|mistake| StartError::new(name, mistake))?;
        let count = keys.len();
        let sensitivity = if keys.has_secrets() { Sensitivity::Secret } else { Sensitivity::Public };
        *self.keys.lock() = Arc::new(keys);
        // Incremented after the change, so that a thread that sees the new number sees the new
        // keys.
        self.generation.fetch_add(1, Ordering::Release);
        log_info!(issuer = self.issuer, keys = count, "the keys for tokens were read");
        Ok(sensitivity)
    }

    /// Returns the caller of a valid token. There is no reason with `None`: it would help an
    /// attacker.
    fn check(&self, token: &str) -> Option<Caller> {
        let header = decode_header(token).ok()?;
        let keys = Arc::clone(&self.keys.lock());
        let key = keys.get(header.kid.as_deref()?)?;
        let is_access_token = |typ: &str| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        if header.crit.is_some() || !header.typ.as_deref().is_none_or(is_access_token) {
            return None;
        }
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        let claims = decode::<Claims>(token, &key.decoding, &validation).ok()?.claims;
        if claims.iss != self.issuer {
            return None;
        }
        let caller = claims.sub.map_or_else(Caller::token_holder, Caller::named);
        let scopes = claims.scope.or(claims.scopes).map(Scopes::into_list).unwrap_or_default();
        let caller = scopes.into_iter().fold(caller, Caller::with_scope);
        // A time beyond the range of the clock is no expiry at all.
        let expires = Duration::try_from_secs_f64(claims.exp).ok().and_then(|exp| exp.checked_add(LEEWAY));
        let expires = expires.and_then(|expires| SystemTime::UNIX_EPOCH.checked_add(expires));
        Some(match expires {
            Some(expires) => caller.with_expiry(expires),
            None => caller,
        })
    }
}

impl Scopes {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Self::List(list) => list,
        }
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> StartError {
    let what = format_args!("the key file {} cannot be read ({error})", path.display());
    StartError::new(what, "put the issuer's JWK set there, and let this user read it").with_source(error)
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JwtState { issuer, audience, keys, .. } = &*self.shared;
        f.debug_struct("Jwt").field("issuer", issuer).field("audience", audience).field("keys", &keys.lock()).finish()
    }
}

#[cfg(test)]
mod tests;
