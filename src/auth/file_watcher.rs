//! A file that is read again when it has changed.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::log;
use crate::regular_file;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::digest::Digest;

/// How often the file is looked at. A change has to be known within 100 ms; the rest of that is for
/// reading 2,000 tokens on a machine with other work.
const EVERY: Duration = Duration::from_millis(20);

/// A change so soon after another may leave the file's times as they were: clocks of file systems are coarse.
const SETTLED: Duration = Duration::from_millis(100);

/// A file, and what is known of it.
#[derive(Debug)]
pub(super) struct FileWatcher {
    path: PathBuf,
    /// As of the last look, unless it may change without showing.
    stamp: Option<FileStamp>,
    content: Option<Digest>,
    /// What was wrong when it was last taken, which need not be told again.
    trouble: Option<String>,
    /// Whether everybody on the machine may read the file, as of the last reading.
    is_open: bool,
    /// Whether a warning about that is still to be logged.
    is_untold: bool,
}

/// Whether whoever reads a file could pass for somebody else with what it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sensitivity {
    Public,
    #[cfg_attr(not(feature = "jwt"), allow(dead_code, reason = "no other file has some"))]
    Secret,
}

/// What changes with a file.
#[derive(Debug, PartialEq)]
struct FileStamp {
    place: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    fn of(file: &Metadata) -> Self {
        Self {
            place: (file.dev(), file.ino()),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether its times can no longer hide another change.
    fn is_settled(&self, now: SystemTime) -> bool {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ago = since_1970.as_millis() as i128
            - (i128::from(self.changed.0) * 1000 + i128::from(self.changed.1 / 1_000_000));
        // One from the future is by another clock, and would never settle.
        ago.unsigned_abs() > SETTLED.as_millis()
    }
}

impl FileWatcher {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, stamp: None, content: None, trouble: None, is_open: false, is_untold: false }
    }

    /// The text of the file, if it is another one than at the last look.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn look(&mut self) -> io::Result<Option<String>> {
        let stamp = FileStamp::of(&fs::metadata(&self.path)?);
        if self.stamp.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        self.stamp = None;
        // Of the file that is read, which may be another one by now.
        let (file, metadata) = regular_file::open(&self.path)?;
        let text = regular_file::text_of(file, &metadata)?;
        self.is_open = regular_file::is_readable_by_everybody(&metadata);
        self.stamp = Some(FileStamp::of(&metadata)).filter(|stamp| stamp.is_settled(SystemTime::now()));
        let content = Digest::of(&text);
        let changed = self.content.replace(content) != Some(content);
        Ok(changed.then_some(text))
    }

    /// The text of the last look was good, and holds this.
    pub(super) fn taken(&mut self, holds: Sensitivity) {
        self.is_untold = holds == Sensitivity::Secret && self.is_open;
    }

    /// Looks after the file from a thread of its own, for as long as anybody holds `target`.
    ///
    /// `take` gets each new text, and each new reason why there is none. What it says against a text is an error in the log,
    /// once, until something changes.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub(super) fn watch<T, F>(mut self, target: &Arc<T>, take: F) -> Result<()>
    where
        T: Send + Sync + 'static,
        F: Fn(&T, io::Result<String>) -> Result<Sensitivity> + Send + 'static,
    {
        let (target, path) = (Arc::downgrade(target), self.path.display().to_string());
        let watch = move || {
            while let Some(target) = target.upgrade() {
                self.step(|text| take(&target, text));
                self.warn();
                drop(target);
                std::thread::sleep(EVERY);
            }
        };
        std::thread::Builder::new().name("callbox-files".to_owned()).spawn(watch).map(drop).map_err(|error| {
            let what = format_args!("no thread can be started to look after {path} ({error})");
            StartError::new(what, "raise the number of processes that this user may have")
        })
    }

    /// Warns of a file with secrets that everybody may read, as soon as there is a log: the file may
    /// be read for the first time before the server has one.
    fn warn(&mut self) {
        if self.is_untold && log::reads_warnings() {
            self.is_untold = false;
            log_warn!(
                file = %self.path.display(),
                "everybody on this machine may read the secrets in this file: take that right away (chmod o-r)"
            );
        }
    }

    fn step(&mut self, take: impl FnOnce(io::Result<String>) -> Result<Sensitivity>) {
        let text = match self.look() {
            Ok(None) => return,
            Ok(Some(text)) => Ok(text),
            Err(error) => {
                // Whatever is there when it is back is news.
                (self.stamp, self.content) = (None, None);
                Err(error)
            }
        };
        let trouble = match take(text) {
            Ok(holds) => {
                self.taken(holds);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if trouble.is_some() && trouble != self.trouble {
            let trouble = trouble.as_deref();
            log_error!(trouble, "a changed file was not taken, and what it said before still holds");
        }
        self.trouble = trouble;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::os::unix::fs::PermissionsExt;

    use crate::regular_file::tests::{at_once, make_pipe};

    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf, FileWatcher) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "one").unwrap();
        let watcher = FileWatcher::new(&path);
        (directory, path, watcher)
    }

    fn look(watcher: &mut FileWatcher) -> Option<String> {
        watcher.look().unwrap()
    }

    #[test]
    fn a_text_is_told_once_however_it_was_changed() {
        let (directory, path, mut watcher) = scratch();
        assert_eq!(look(&mut watcher).as_deref(), Some("one"));
        assert_eq!(look(&mut watcher), None);
        fs::write(&path, "two").unwrap();
        assert_eq!(look(&mut watcher).as_deref(), Some("two"), "of the same length");
        let beside = directory.path().join("beside");
        fs::write(&beside, "six").unwrap();
        fs::rename(&beside, &path).unwrap();
        assert_eq!(look(&mut watcher).as_deref(), Some("six"), "another file in its place");
        fs::remove_file(&path).unwrap();
        assert!(watcher.look().is_err());
        fs::write(&path, "six").unwrap();
        assert_eq!(look(&mut watcher), None, "the same as before");
    }

    #[test]
    fn a_change_that_leaves_the_times_as_they_were_is_seen() {
        let (_directory, path, mut watcher) = scratch();
        assert_eq!(look(&mut watcher).as_deref(), Some("one"));
        let old = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
        for text in ["two", "six"] {
            fs::write(&path, text).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_times(old).unwrap();
            assert_eq!(look(&mut watcher).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_file_that_was_changed_a_moment_ago_is_read_at_each_look() {
        let (_directory, path, _) = scratch();
        let mut stamp = FileStamp::of(&fs::metadata(&path).unwrap());
        stamp.changed = (1000, 500_000_000);
        for (millis, settled) in [
            (500, true),
            (1_000_399, true),
            (1_000_400, false),
            (1_000_500, false),
            (1_000_600, false),
            (1_000_601, true),
        ] {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!(stamp.is_settled(now), settled, "{millis}");
        }
    }

    #[test]
    fn trouble_is_passed_on_and_told_until_it_is_over() {
        let (_directory, path, mut watcher) = scratch();
        let mut taken = Vec::new();
        let mut step = |watcher: &mut FileWatcher| {
            watcher.step(|text| {
                taken.push(text.as_ref().ok().cloned());
                match text.as_deref() {
                    Ok("bad") => Err(crate::Error::new("it is bad", "mend it")),
                    Ok(_) => Ok(Sensitivity::Public),
                    Err(error) => Err(crate::Error::new("it is gone", error)),
                }
            });
            watcher.trouble.as_deref().and_then(|trouble| trouble.split(':').next().map(str::to_owned))
        };
        assert_eq!(step(&mut watcher), None);
        fs::write(&path, "bad").unwrap();
        for _ in 0..2 {
            assert_eq!(step(&mut watcher).as_deref(), Some("it is bad"));
        }
        fs::remove_file(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(step(&mut watcher).as_deref(), Some("it is gone"));
        }
        fs::write(&path, "one").unwrap();
        assert_eq!(step(&mut watcher), None);
        let texts: Vec<_> = taken.iter().map(Option::as_deref).collect();
        assert_eq!(texts, [Some("one"), Some("bad"), None, None, Some("one")]);
    }

    #[test]
    fn a_pipe_is_an_error_at_each_look_and_holds_up_none() {
        let (_directory, path, mut watcher) = scratch();
        assert_eq!(look(&mut watcher).as_deref(), Some("one"));
        fs::remove_file(&path).unwrap();
        make_pipe(&path);
        let (mut watcher, errors) = at_once(move || {
            let errors = [(); 3].map(|()| watcher.look().unwrap_err().to_string());
            (watcher, errors)
        });
        assert_eq!(errors, ["it is a named pipe, not a regular file"; 3]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "two").unwrap();
        assert_eq!(look(&mut watcher).as_deref(), Some("two"));
    }

    #[test]
    fn a_file_with_secrets_that_everybody_may_read_is_warned_of_once_there_is_a_log() {
        let (_directory, path, mut watcher) = scratch();
        let log = Arc::new(crate::sync::Mutex::new(Vec::new()));
        let told = |watcher: &mut FileWatcher| {
            let writer = Arc::clone(&log);
            let subscriber = tracing_subscriber::fmt().with_writer(move || Log(Arc::clone(&writer)));
            tracing::subscriber::with_default(subscriber.finish(), || watcher.warn());
            String::from_utf8(std::mem::take(&mut *log.lock())).unwrap()
        };
        let mut changed = |text: &str, mode: u32, holds: Sensitivity| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(watcher.look().unwrap().is_some());
            watcher.taken(holds);
            // Nobody listens yet.
            tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), || watcher.warn());
            [told(&mut watcher), told(&mut watcher)].map(|told| told.matches("may read the secrets").count())
        };
        assert_eq!(changed("1", 0o644, Sensitivity::Public), [0, 0]);
        assert_eq!(changed("2", 0o600, Sensitivity::Secret), [0, 0]);
        assert_eq!(changed("3", 0o640, Sensitivity::Secret), [0, 0], "its group is the owner's choice");
        assert_eq!(changed("4", 0o644, Sensitivity::Secret), [1, 0]);
        assert_eq!(changed("5", 0o604, Sensitivity::Secret), [1, 0], "again with each new text");
    }

    struct Log(Arc<crate::sync::Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_thread_ends_with_what_it_looks_after() {
        let (_directory, path, watcher) = scratch();
        let target = Arc::new(());
        let (tell, told) = std::sync::mpsc::channel();
        let take = move |(): &(), text: io::Result<String>| {
            let sent = tell.send(text.ok()).map(|()| Sensitivity::Public);
            sent.map_err(|error| crate::Error::new("nobody listens", error))
        };
        watcher.watch(&target, take).unwrap();
        let patience = Duration::from_secs(30);
        assert_eq!(told.recv_timeout(patience), Ok(Some("one".to_owned())));
        // At once: of a file that is written in its place, a half may be told first.
        let beside = path.with_extension("new");
        fs::write(&beside, "two").unwrap();
        fs::rename(&beside, &path).unwrap();
        assert_eq!(told.recv_timeout(patience), Ok(Some("two".to_owned())));
        drop(target);
        assert!(told.recv_timeout(patience).is_err(), "it has let go of all it held");
    }
}
