//! The authenticator that knows a file of hashed tokens.

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

/// Checks tokens against a file of their hashes, which the command `callbox token` keeps. A handle: cheap to clone.
///
/// A caller has the name and the scopes that the file gives its token. A token is found by its id, and compared by its SHA-256
/// in a time that does not depend on where it differs.
///
/// The file is read again when it changes, for as long as anybody has a handle: a token that is taken
/// out is refused within a tenth of a second, with up to 2,000 tokens in a file as the command writes
/// it, and within a second with up to 20,000. A file that is broken or gone leaves the tokens as they
/// were, with an error in the log that says how to mend it, so that a slip of an editor does not lock
/// everybody out; to refuse all tokens, leave the file there empty. That tokens expire does not
/// depend on the file.
///
/// A decision that lets somebody in is kept for up to 10 s, unless the file changes or the token expires before.
///
/// [`Server::token_file`](crate::Server::token_file) and the setting `--tokens` make one; making it yourself gives you the
/// handle:
///
/// ```no_run
/// use callbox::auth::Tokens;
/// use callbox::Server;
/// # #[derive(Default)] struct MyService;
/// # #[callbox::service(name = "name.your.service")] impl MyService { #[private_api_method] fn ping(&self) {} }
///
/// fn main() -> callbox::Result<()> {
///     let tokens = Tokens::open("callbox-tokens.toml")?;
///     let handle = tokens.clone(); // for a page where tokens are revoked, say: handle.revoke("ci")
///     Server::new(MyService::default).tokens(tokens).start()
/// }
/// ```
#[derive(Clone)]
pub struct Tokens {
    shared: Arc<TokensState>,
}

struct TokensState {
    file: TokenFile,
    known: Mutex<KnownTokens>,
    generation: AtomicU64,
}

#[derive(Default)]
struct KnownTokens {
    by_id: HashMap<String, Holder>,
    /// The ids that were revoked through a handle: they do not come back with the file.
    revoked: HashSet<String>,
}

struct Holder {
    digest: Digest,
    caller: Caller,
}

impl Tokens {
    /// Reads a file of tokens, and looks after it from then on.
    ///
    /// # Errors
    /// If it is not there, cannot be read, or has a mistake: one line that says what, and how to mend it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let file = TokenFile::new(path);
        let mut watcher = FileWatcher::new(file.path());
        let text = watcher.look().map_err(|error| file.unreadable(error))?.unwrap_or_default();
        let shared = Arc::new(TokensState { file, known: Mutex::default(), generation: AtomicU64::new(0) });
        shared.take(&text)?;
        let take = |shared: &TokensState, text: std::io::Result<String>| {
            shared.take(&text.map_err(|error| shared.file.unreadable(error))?)?;
            // Nobody finds 256 random bits by their hash.
            Ok(Sensitivity::Public)
        };
        watcher.watch(&shared, take)?;
        Ok(Self { shared })
    }

    /// The file, to make tokens and to list them.
    pub fn file(&self) -> &TokenFile {
        &self.shared.file
    }

    /// Refuses the token with this id, or all tokens of this name, from now on, and takes them out of the file. Blocks while it
    /// writes.
    ///
    /// When it returns, also with an error, no request that arrives is let in by such a token.
    ///
    /// # Errors
    /// If there is no such token; and if the file cannot be written: the tokens are refused then for as long as this program
    /// runs.
    pub fn revoke(&self, id_or_name: &str) -> Result<Vec<TokenInfo>> {
        let known = self.shared.known.lock();
        let meant = |(id, holder): &(&String, &Holder)| *id == id_or_name || holder.caller.name() == Some(id_or_name);
        let ids: Vec<_> = known.by_id.iter().filter(meant).map(|(id, _)| id.clone()).collect();
        drop(known);
        self.shared.refuse(ids);
        let revoked = self.shared.file.revoke(id_or_name)?;
        // Some may have come into the file a moment ago, and may be on their way in.
        self.shared.refuse(revoked.iter().map(|token| token.id.clone()));
        Ok(revoked)
    }
}

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        let known = self.shared.known.lock();
        let holder = id_of(token).and_then(|id| known.by_id.get(id));
        // Compared even if nobody has this id, so that the time does not tell whether somebody has.
        let expected = holder.map_or(Digest::DUMMY, |holder| holder.digest);
        let is_right = expected.matches(&Digest::of(token));
        let caller = holder.filter(|_| is_right).map(|holder| &holder.caller);
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
    /// Knows the tokens of this text from now on, and no others.
    fn take(&self, text: &str) -> Result<()> {
        let tokens = self.file.parse(text)?;
        let count = tokens.len();
        let mut by_id: HashMap<_, _> = tokens.into_iter().map(holder).collect();
        // Only for the exchange: whoever checks a token waits for this lock.
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

    /// Knows these tokens no more, whatever the file says.
    fn refuse(&self, ids: impl IntoIterator<Item = String>) {
        {
            let known = &mut *self.known.lock();
            for id in ids {
                known.by_id.remove(&id);
                known.revoked.insert(id);
            }
        }
        self.change_generation();
    }

    /// After the change that it tells of, so that whoever sees the new number sees the change, too.
    fn change_generation(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}

fn holder(token: TokenInfo) -> (String, Holder) {
    let TokenInfo { id, name, scopes, expires, digest, .. } = token;
    let mut caller = scopes.into_iter().fold(Caller::named(name), Caller::with_scope);
    if let Some(expires) = expires {
        caller = caller.with_expiry(expires);
    }
    (id, Holder { digest, caller })
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
