//! The file of hashed tokens: read as a whole, changed by one program at a time.

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

/// How long another program may take for its change.
const PATIENCE: Duration = Duration::from_secs(5);

/// No token holds for longer than this, unless it never ends.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A file of hashed tokens, as the command `callbox token` keeps it.
///
/// Each change writes a new file beside the old one and puts it in its place, so a server that reads meanwhile finds the one
/// or the other whole. A new file is for its owner only (mode 0600); an old one keeps its owner and mode. Its directory is
/// locked meanwhile, so that of two changes neither is lost. All methods block.
///
/// The file is TOML, and can be written by hand. A token is `cbx_`, an id of 12 hexadecimal digits,
/// `_` and a secret that nobody can guess; no text of another form is accepted as a token. For each
/// token the file has its id, a name, and the SHA-256 of its whole text. This makes one and shows it:
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
    /// The file at this path, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All tokens in it, in the order in which they were made; expired ones, too.
    ///
    /// # Errors
    /// If the file is not there, cannot be read, or has a mistake.
    pub fn list(&self) -> Result<Vec<TokenInfo>> {
        let text = regular_file::read_to_string(&self.path).map_err(|error| self.unreadable(error))?;
        self.parse(&text)
    }

    /// Makes a token for somebody, with these scopes, that holds for so long; `None` for ever. The file is made if it is not
    /// there.
    ///
    /// # Errors
    /// If there is a token of that name that still holds; if the name is no line of text of 1 to 64 bytes, or a scope no single
    /// word; and if the file cannot be read or written.
    pub fn issue(&self, name: &str, scopes: &[&str], lifetime: Option<Duration>) -> Result<IssuedToken> {
        if !is_name(name) {
            let what = format_args!("{name:?} cannot be the name of a token");
            return Err(StartError::new(what, "give 1 to 64 bytes of text in one line that do not look like an id"));
        }
        if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
            let what = format_args!("{scope:?} cannot be a scope");
            return Err(StartError::new(what, "give a word without spaces and commas"));
        }
        if let Some(lifetime) = lifetime.filter(|time| !(Duration::from_secs(1)..=LONGEST).contains(time)) {
            let what = format_args!("no token can hold for {lifetime:?}");
            return Err(StartError::new(what, "give a time from a second to a hundred years, or let it never expire"));
        }
        self.change(true, |tokens| {
            if tokens.iter().any(|token| token.name == name && !token.is_expired()) {
                let what = format_args!("{} has a token of the name {name:?} already", self.path.display());
                return Err(StartError::new(what, "choose another name, or revoke that one first"));
            }
            let (text, id) = loop {
                let (text, id) = generate().map_err(|error| {
                    let fix = "callbox makes no tokens without good randomness";
                    StartError::new(format_args!("the operating system gives no random numbers ({error})"), fix)
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

    /// Takes out the token with this id, or all tokens of this name, and tells which these were. Running servers refuse them
    /// within a tenth of a second, with up to 2,000 tokens in the file, and within a second with up to 20,000.
    ///
    /// # Errors
    /// If there is none, and if the file cannot be read or written.
    pub fn revoke(&self, id_or_name: &str) -> Result<Vec<TokenInfo>> {
        self.change(false, |tokens| {
            let revoked: Vec<_> = tokens.extract_if(.., |token| token.is_called(id_or_name)).collect();
            if revoked.is_empty() {
                let what = format!("{} has no token with that id or name", self.path.display());
                return Err(StartError::new(what, "`callbox token list` shows those that there are"));
            }
            Ok(revoked)
        })
    }

    pub(super) fn parse(&self, text: &str) -> Result<Vec<TokenInfo>> {
        format::parse(text).map_err(|mistake| {
            let fix = "mend the file, or revoke and make the tokens anew with `callbox token`";
            StartError::new(format_args!("{}: {mistake}", self.path.display()), fix)
        })
    }

    pub(super) fn unreadable(&self, error: io::Error) -> StartError {
        let path = self.path.display();
        let fix = match error.kind() {
            ErrorKind::NotFound => format!("make it with `callbox token new --name ME --file {path}`"),
            _ => "let this user read it, and see that it is a text file".to_owned(),
        };
        StartError::new(format_args!("the token file {path} cannot be read ({error})"), fix).with_source(error)
    }

    /// Changes the list of tokens, while nobody else does.
    fn change<T>(&self, may_be_new: bool, change: impl FnOnce(&mut Vec<TokenInfo>) -> Result<T>) -> Result<T> {
        // The file that a link leads to, so that the link stays one.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _lock = lock(&path, PATIENCE).map_err(|error| self.unwritable(&error))?;
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
        StartError::new(what, "see that its directory is there and that this user may write in it")
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directory's lock: the file itself is another one after each change.
fn lock(path: &Path, patience: Duration) -> io::Result<File> {
    let (directory, start) = (File::open(directory_of(path))?, Instant::now());
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if start.elapsed() > patience => {
                return Err(io::Error::new(ErrorKind::TimedOut, "another program keeps its directory locked"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Puts a new file in the place of an old one, with its owner and mode.
fn replace(path: &Path, text: &str, old: Option<&fs::Metadata>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "this is no name of a file"))?;
    let beside = path.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    // Left by a program that was killed; whoever has the lock may take it away.
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
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory_of(path))?.sync_all()
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests;
