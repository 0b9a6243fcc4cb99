//! The file of hashed tokens: read as a whole, changed by one program at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::regular_file;
use crate::start_error::{Result, StartError};

use super::digest::Digest;
use super::rows::{self, is_name, is_scope};
use super::token_info::{IssuedToken, TokenInfo, generate};

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
        rows::parse(text).map_err(|mistake| {
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
        let text = rows::to_text(&tokens).map_err(io::Error::other);
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
mod tests {
    use std::process::Command;

    use futures::FutureExt;

    use crate::auth::Authenticate;

    use super::*;

    fn scratch() -> (tempfile::TempDir, TokenFile) {
        let directory = tempfile::tempdir().unwrap();
        let file = TokenFile::new(directory.path().join("tokens.toml"));
        (directory, file)
    }

    fn names(file: &TokenFile) -> Vec<String> {
        file.list().unwrap().iter().map(|token| token.name().to_owned()).collect()
    }

    #[test]
    fn what_is_issued_is_listed_until_it_is_revoked_and_is_not_in_the_file() {
        let (_directory, file) = scratch();
        let ci = file.issue("ci", &["admin", "read"], Some(Duration::from_secs(60))).unwrap();
        let ann = file.issue("ann", &[], None).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        for token in [&ci, &ann] {
            let secret = token.reveal().rsplit('_').next().unwrap();
            assert!(!text.contains(secret) && text.contains(token.info().id()), "{text}");
            assert!(!format!("{token:?} {file:?}").contains(secret));
        }
        assert_eq!(names(&file), ["ci", "ann"]);
        let listed = &file.list().unwrap()[0];
        assert_eq!(
            (listed.id(), listed.scopes()),
            (ci.info().id(), ["admin".to_owned(), "read".to_owned()].as_slice())
        );
        assert!(listed.expires() > listed.created() && !listed.is_expired());
        assert_eq!(file.revoke(ann.info().id()).unwrap()[0].name(), "ann");
        assert_eq!(file.revoke("ci").unwrap()[0].id(), ci.info().id());
        assert_eq!(names(&file), [""; 0]);
    }

    #[test]
    fn a_new_file_is_its_owners_and_an_old_one_keeps_its_mode_and_a_link_stays_one() {
        let (directory, file) = scratch();
        file.issue("a", &[], None).unwrap();
        let mode = |file: &TokenFile| fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link.toml");
        std::os::unix::fs::symlink("tokens.toml", &link).unwrap();
        TokenFile::new(&link).issue("b", &[], None).unwrap();
        assert_eq!(mode(&file), 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(&file), ["a", "b"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left there");
    }

    #[test]
    fn of_changes_at_once_none_is_lost() {
        let (_directory, file) = scratch();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    file.issue(&format!("keeps {n}"), &[], None).unwrap();
                    file.issue(&format!("goes {n}"), &[], None).unwrap();
                    file.revoke(&format!("goes {n}")).unwrap();
                });
            }
        });
        let mut names = names(&file);
        names.sort();
        assert_eq!(names, (0..8).map(|n| format!("keeps {n}")).collect::<Vec<_>>());
    }

    #[test]
    fn a_name_is_free_again_once_its_token_has_expired() {
        let (_directory, file) = scratch();
        file.issue("ci", &[], None).unwrap();
        let error = file.issue("ci", &[], None).unwrap_err().to_string();
        assert!(error.contains("a token of the name \"ci\" already"), "{error}");
        let text = fs::read_to_string(file.path()).unwrap();
        fs::write(file.path(), text.replace("sha256", "expires = 2020-01-01T00:00:00Z\nsha256")).unwrap();
        file.issue("ci", &[], None).unwrap();
        assert_eq!(file.revoke("ci").unwrap().len(), 2);
    }

    #[test]
    fn mistakes_are_told_with_their_remedy_and_change_nothing() {
        let (directory, file) = scratch();
        let said = |error: Result<()>, parts: [&str; 2]| {
            let error = error.unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)) && error.len() < 300, "{error}");
        };
        said(file.list().map(drop), ["tokens.toml cannot be read", "`callbox token new --name"]);
        said(file.revoke("ci").map(drop), ["tokens.toml cannot be read", "`callbox token new --name"]);
        said(file.issue("", &[], None).map(drop), ["\"\" cannot be the name", "1 to 64 bytes"]);
        said(file.issue("a", &["b c"], None).map(drop), ["\"b c\" cannot be a scope", "without spaces"]);
        said(file.issue("a", &[], Some(Duration::ZERO)).map(drop), ["no token can hold for 0ns", "a second"]);
        said(file.issue("a", &[], Some(Duration::MAX)).map(drop), ["no token can hold", "never expire"]);
        let nowhere = TokenFile::new(directory.path().join("none/tokens.toml"));
        said(nowhere.issue("a", &[], None).map(drop), ["tokens.toml cannot be written", "its directory is there"]);
        assert!(!file.path().exists());
        fs::write(file.path(), "token = 1").unwrap();
        said(file.issue("a", &[], None).map(drop), ["tokens.toml: line 1:", "mend the file"]);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "token = 1");
        fs::write(file.path(), "").unwrap();
        said(file.revoke("ci").map(drop), ["no token with that id or name", "`callbox token list`"]);
    }

    #[test]
    fn the_example_of_a_file_that_is_written_by_hand_makes_a_token_that_is_good() {
        let source = include_str!("token_file.rs");
        let (_, example) = source.split_once("/// ```sh\n").unwrap();
        let (example, _) = example.split_once("/// ```\n").unwrap();
        let script: String = example.lines().map(|line| format!("{}\n", line.trim_start_matches("/// "))).collect();
        let directory = tempfile::tempdir().unwrap();
        let shell = || Command::new("sh").args(["-euc", &script]).current_dir(&directory).output().unwrap();
        let shown = [shell(), shell()].map(|output| String::from_utf8(output.stdout).unwrap());
        let file = TokenFile::new(directory.path().join("callbox-tokens.toml"));
        assert_eq!(names(&file), ["ci", "ci"]);
        let tokens = crate::auth::Tokens::open(file.path()).unwrap();
        for token in shown {
            let caller = tokens.authenticate(token.trim()).now_or_never().unwrap().unwrap().unwrap();
            assert!(caller.has_scope("admin") && caller.expires().is_some());
        }
    }

    #[test]
    fn a_lock_that_is_never_given_back_is_told() {
        let (_directory, file) = scratch();
        let held = lock(file.path(), PATIENCE).unwrap();
        let error = lock(file.path(), Duration::from_millis(20)).unwrap_err().to_string();
        assert!(error.contains("another program keeps its directory locked"), "{error}");
        drop(held);
        lock(file.path(), PATIENCE).unwrap();
    }
}
