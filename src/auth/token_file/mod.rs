//! The file of hashed tokens: read as a whole, changed by one program at a time.
//!
//! [`format`](self::format) parses and writes its text, and [`canonical`] reads files that callbox
//! wrote, and does so faster.

mod canonical;
mod format;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::regular_file;
use crate::start_error::{Result, StartError};

use super::digest::Digest;
use super::token_info::{IssuedToken, TokenInfo, generate};

use format::{is_name, is_scope};

/// Maximum time to wait for another program that changes the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum lifetime of a token that expires: a hundred years.
const MAX_LIFETIME: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A file of hashed tokens, as the command `callbox token` writes it.
///
/// Each change writes a new file beside the old one and renames it, so a server that reads at the
/// same time finds either of the two as a whole. A new file is readable for its owner only (mode
/// 0600); an existing file keeps its owner and mode. The directory is locked during a change, so
/// that no change of two programs is lost. All methods block.
///
/// The file is TOML, and can be written by hand. A token is `cbx_`, an id of 12 hexadecimal digits,
/// `_` and a random secret; no text of another form is accepted as a token. For each token the file
/// has its id, a name, and the SHA-256 of its whole text. This script makes a token and prints it:
///
/// ```sh
/// id=$(od -An -v -N6 -tx1 /dev/urandom | tr -d ' \n')
/// secret=$(od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n')
/// token="cbx_${id}_$secret"
/// cat >> callbox-tokens.toml <<END
/// [[token]]
/// id = "$id"
/// name = "ci"
/// scopes = ["admin"]            # none, if the line is left out
/// created = 2030-01-01T12:00:00Z # may be left out
/// expires = 2099-04-01T12:00:00Z # never, if the line is left out
/// sha256 = "$(printf %s "$token" | sha256sum | cut -d' ' -f1)"
/// END
/// echo "$token"
/// ```
///
/// ```
/// use std::time::Duration;
/// use callbox::auth::TokenFile;
///
/// # fn main() -> callbox::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("tokens.toml");
/// let file = TokenFile::new(path);
/// let token = file.issue("ci", &["admin"], Some(Duration::from_secs(90 * 86_400)))?;
/// assert!(token.reveal().starts_with("cbx_"));
/// assert_eq!(file.list()?[0].name(), "ci");
/// assert_eq!(file.revoke("ci")?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Makes a handle of the file at this path, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all tokens of the file, expired ones as well, in the order in which they were made.
    ///
    /// # Errors
    /// If the file does not exist, cannot be read, or has a mistake.
    pub fn list(&self) -> Result<Vec<TokenInfo>> {
        let text = regular_file::read_to_string(&self.path).map_err(|error| self.unreadable(error))?;
        self.parse(&text)
    }

    /// Makes a token with a name and scopes, and adds its hash to the file, which is created if it
    /// does not exist. The token expires after `lifetime`; `None` for never.
    ///
    /// # Errors
    /// If a token with that name exists that has not expired; if the name is not one line of 1 to
    /// 64 bytes, a scope is not a single word, or the lifetime is not between a second and a
    /// hundred years; and if the file cannot be read or written.
    pub fn issue(&self, name: &str, scopes: &[&str], lifetime: Option<Duration>) -> Result<IssuedToken> {
        if !is_name(name) {
            let what = format_args!("{name:?} cannot be the name of a token");
            return Err(StartError::new(what, "give 1 to 64 bytes of text in one line that do not look like an id"));
        }
        if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
            let what = format_args!("{scope:?} cannot be a scope");
            return Err(StartError::new(what, "give a word without spaces and commas"));
        }
        if let Some(lifetime) = lifetime.filter(|time| !(Duration::from_secs(1)..=MAX_LIFETIME).contains(time)) {
            let what = format_args!("{lifetime:?} cannot be the lifetime of a token");
            return Err(StartError::new(what, "give a time from a second to a hundred years, or let it never expire"));
        }
        self.change(true, |tokens| {
            if tokens.iter().any(|token| token.name == name && !token.is_expired()) {
                let what = format_args!("{} has a token with the name {name:?} already", self.path.display());
                return Err(StartError::new(what, "choose another name, or revoke that one first"));
            }
            let (text, id) = loop {
                let (text, id) = generate().map_err(|error| {
                    let fix = "callbox makes no tokens without them";
                    StartError::new(format_args!("the operating system has no random numbers ({error})"), fix)
                })?;
                if tokens.iter().all(|token| token.id != id) {
                    break (text, id);
                }
            };
            let created = SystemTime::now();
            let info = TokenInfo {
                id,
                name: name.to_owned(),
                scopes: scopes.iter().copied().map(str::to_owned).collect(),
                created: Some(created),
                expires: lifetime.map(|lifetime| created + lifetime),
                digest: Digest::of(&text),
            };
            tokens.push(info.clone());
            Ok(IssuedToken { info, text })
        })
    }

    /// Removes the token with this id, or all tokens with this name, and returns them.
    ///
    /// Running servers reject the tokens within a tenth of a second, with up to 2,000 tokens in the
    /// file, and within a second with up to 20,000.
    ///
    /// # Errors
    /// If no token matches, and if the file cannot be read or written.
    pub fn revoke(&self, id_or_name: &str) -> Result<Vec<TokenInfo>> {
        self.change(false, |tokens| {
            let revoked: Vec<_> = tokens.extract_if(.., |token| token.matches(id_or_name)).collect();
            if revoked.is_empty() {
                let what = format!("{} has no token with that id or name", self.path.display());
                return Err(StartError::new(what, "`callbox token list` lists the tokens"));
            }
            Ok(revoked)
        })
    }

    /// Parses the text of this file.
    pub(super) fn parse(&self, text: &str) -> Result<Vec<TokenInfo>> {
        format::parse(text).map_err(|mistake| {
            let fix = "correct the file, or revoke the tokens and make new ones with `callbox token`";
            StartError::new(format_args!("{}: {mistake}", self.path.display()), fix)
        })
    }

    /// Returns the error for a file that cannot be read.
    pub(super) fn unreadable(&self, error: io::Error) -> StartError {
        let path = self.path.display();
        let fix = match error.kind() {
            ErrorKind::NotFound => format!("make it with `callbox token new --name ME --file {path}`"),
            _ => "let this user read it, and check that it is a text file".to_owned(),
        };
        StartError::new(format_args!("the token file {path} cannot be read ({error})"), fix).with_source(error)
    }

    /// Changes the list of tokens while the directory is locked. `may_be_new` allows the file not
    /// to exist.
    fn change<T>(&self, may_be_new: bool, change: impl FnOnce(&mut Vec<TokenInfo>) -> Result<T>) -> Result<T> {
        // Renaming a file over a link would replace the link, so the change is made to its target.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _lock = lock(&path, LOCK_TIMEOUT).map_err(|error| self.unwritable(&error))?;
        let (old, mut tokens) =
            match regular_file::open(&path).and_then(|(file, old)| Ok((regular_file::text_of(file, &old)?, old))) {
                Ok((text, old)) => (Some(old), self.parse(&text)?),
                Err(error) if error.kind() == ErrorKind::NotFound && may_be_new => (None, Vec::new()),
                Err(error) => return Err(self.unreadable(error)),
            };
        let outcome = change(&mut tokens)?;
        let text = format::to_text(&tokens).map_err(io::Error::other);
        text.and_then(|text| replace(&path, &text, old.as_ref())).map_err(|error| self.unwritable(&error))?;
        Ok(outcome)
    }

    fn unwritable(&self, error: &io::Error) -> StartError {
        let what = format_args!("the token file {} cannot be written ({error})", self.path.display());
        StartError::new(what, "check that its directory exists and that this user may write in it")
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks the directory of the file. A lock on the file would not help: each change replaces the
/// file.
///
/// # Errors
/// If another program holds the lock for longer than `timeout`.
fn lock(path: &Path, timeout: Duration) -> io::Result<File> {
    let (directory, start) = (File::open(directory_of(path))?, Instant::now());
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if start.elapsed() > timeout => {
                return Err(io::Error::new(ErrorKind::TimedOut, "another program keeps its directory locked"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Replaces a file in one step, and keeps its owner and mode.
fn replace(path: &Path, text: &str, old: Option<&fs::Metadata>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the path names no file"))?;
    let beside = path.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    // A program that was killed may have left this file behind. We hold the lock, so nobody uses
    // it.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let mut write = || {
        file.write_all(text.as_bytes())?;
        if let Some(old) = old {
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o777))?;
        }
        // The content has to be on the disk before the rename, and the rename before we return:
        // otherwise a power failure could bring back a revoked token or leave an empty file.
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory_of(path))?.sync_all()
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests;
