//! The authenticator for a file of hashed tokens.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::BoxError;
use crate::start_error::Result;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

use super::digest::Digest;
use super::file_watcher::{FileWatcher, Sensitivity};
use super::token_file::TokenFile;
use super::token_info::{TokenInfo, id_of};
use super::{Authenticate, Caller};

/// Checks tokens with a file of their hashes, which the command `callbox token` writes. A handle:
/// cheap to clone.
///
/// A caller has the name and the scopes that the file has for its token. A token is looked up by
/// its id and compared by its SHA-256, in a time that does not depend on where it differs.
///
/// The file is read again when it changes, for as long as a handle exists: a token that is removed
/// is rejected within a tenth of a second, with up to 2,000 tokens in a file as the command writes
/// it, and within a second with up to 20,000. If the file is broken or missing, the tokens stay as
/// they were and the log has an error that says how to fix it, so that a typo does not lock out
/// everybody. To reject all tokens, leave an empty file. Tokens expire whatever happens to the
/// file.
///
/// A valid token is cached for up to 10 s, unless the file changes or the token expires before.
///
/// [`Server::token_file`](crate::Server::token_file) and the flag `--tokens` make one. If you make
/// it yourself, you have the handle:
///
/// ```no_run
/// use callbox::auth::Tokens;
/// use callbox::Server;
/// # #[derive(Default)] struct MyService;
/// # #[callbox::service(name = "name.your.service")]
/// # impl MyService { #[private_api_method] fn ping(&self) {} }
///
/// fn main() -> callbox::Result<()> {
///     let tokens = Tokens::open("callbox-tokens.toml")?;
///     let handle = tokens.clone(); // for a page that revokes tokens: handle.revoke("ci")
///     Server::new(MyService::default).tokens(tokens).start()
/// }
/// ```
#[derive(Clone)]
pub struct Tokens {
    shared: Arc<TokensState>,
}

/// The state that the handles share with the thread that watches the file.
struct TokensState {
    file: TokenFile,
    known: Mutex<KnownTokens>,
    generation: AtomicU64,
}

/// The tokens that are valid, and those that never will be again.
#[derive(Default)]
struct KnownTokens {
    by_id: HashMap<String, TokenHolder>,
    /// The ids that were revoked through a handle. A file that still has them does not bring them
    /// back.
    revoked: HashSet<String>,
}

/// The holder of a token: the hash to compare with, and the caller that a match yields.
struct TokenHolder {
    digest: Digest,
    caller: Caller,
}

impl Tokens {
    /// Reads a file of tokens, and watches it for changes from then on.
    ///
    /// # Errors
    /// If the file does not exist, cannot be read, or has a mistake. The error is one line that
    /// says what happened and how to fix it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let file = TokenFile::new(path);
        let mut watcher = FileWatcher::new(file.path());
        let text = watcher.read_if_changed().map_err(|error| file.unreadable(error))?.unwrap_or_default();
        let shared = Arc::new(TokensState { file, known: Mutex::default(), generation: AtomicU64::new(0) });
        shared.load(&text)?;
        let load = |shared: &TokensState, text: std::io::Result<String>| {
            shared.load(&text.map_err(|error| shared.file.unreadable(error))?)?;
            // A hash is no secret: nobody finds 256 random bits by their hash.
            Ok(Sensitivity::Public)
        };
        watcher.watch(&shared, load)?;
        Ok(Self { shared })
    }

    /// Returns the file, to issue tokens and to list them.
    pub fn file(&self) -> &TokenFile {
        &self.shared.file
    }

    /// Revokes the token with this id, or all tokens with this name: rejects them from now on,
    /// removes them from the file, and returns them. Blocks while it writes the file.
    ///
    /// When it returns, even with an error, these tokens admit no further request.
    ///
    /// # Errors
    /// If no token matches, and if the file cannot be written. In the second case the tokens are
    /// rejected for as long as this program runs.
    pub fn revoke(&self, id_or_name: &str) -> Result<Vec<TokenInfo>> {
        let known = self.shared.known.lock();
        let matches =
            |(id, holder): &(&String, &TokenHolder)| *id == id_or_name || holder.caller.name() == Some(id_or_name);
        let ids: Vec<_> = known.by_id.iter().filter(matches).map(|(id, _)| id.clone()).collect();
        drop(known);
        self.shared.reject(ids);
        let revoked = self.shared.file.revoke(id_or_name)?;
        // The file may have got tokens with this name a moment ago, which are about to be read.
        self.shared.reject(revoked.iter().map(|token| token.id.clone()));
        Ok(revoked)
    }
}

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        let known = self.shared.known.lock();
        let holder = id_of(token).and_then(|id| known.by_id.get(id));
        // Compared even if no token has this id, so that the time does not reveal which ids exist.
        let expected = holder.map_or(Digest::DUMMY, |holder| holder.digest);
        let is_match = expected.matches(&Digest::of(token));
        let caller = holder.filter(|_| is_match).map(|holder| &holder.caller);
        Ok(caller.filter(|caller| caller.is_authenticated_at(SystemTime::now())).cloned())
    }

    fn keep_for(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }
}

impl TokensState {
    /// Replaces the valid tokens by those of this text.
    fn load(&self, text: &str) -> Result<()> {
        let tokens = self.file.parse(text)?;
        let count = tokens.len();
        let mut by_id: HashMap<_, _> = tokens.into_iter().map(holder).collect();
        // Locked only for the exchange: checks of tokens wait for this lock.
        let old = {
            let known = &mut *self.known.lock();
            for id in &known.revoked {
                by_id.remove(id);
            }
            std::mem::replace(&mut known.by_id, by_id)
        };
        self.change_generation();
        drop(old);
        log_info!(file = %self.file.path().display(), tokens = count, "the tokens were read");
        Ok(())
    }

    /// Rejects these tokens from now on, whatever the file has.
    fn reject(&self, ids: impl IntoIterator<Item = String>) {
        {
            let known = &mut *self.known.lock();
            for id in ids {
                known.by_id.remove(&id);
                known.revoked.insert(id);
            }
        }
        self.change_generation();
    }

    /// Starts a new generation. Call this after the change, so that a thread that sees the new
    /// number sees the change.
    fn change_generation(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

fn holder(token: TokenInfo) -> (String, TokenHolder) {
    let TokenInfo { id, name, scopes, expires, digest, .. } = token;
    let mut caller = scopes.into_iter().fold(Caller::named(name), Caller::with_scope);
    if let Some(expires) = expires {
        caller = caller.with_expiry(expires);
    }
    (id, TokenHolder { digest, caller })
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
