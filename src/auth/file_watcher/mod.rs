//! Watches a file, and reads it again when it has changed.

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

/// Interval between two looks at the file. A change must be known within 100 ms; the rest of that
/// time is for reading 2,000 tokens on a busy machine.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time after a change during which another change may leave the file's times as they are: the
/// clocks of file systems are coarse.
const CLOCK_RESOLUTION: Duration = Duration::from_millis(100);

/// A file, and its state at the last look.
#[derive(Debug)]
pub(super) struct FileWatcher {
    path: PathBuf,
    /// Metadata at the last look. `None` if a further change might leave it as it is, so that the
    /// file has to be read again.
    stamp: Option<FileStamp>,
    content: Option<Digest>,
    /// The last error, which is logged once.
    last_error: Option<String>,
    /// Whether everybody on the machine may read the file.
    is_world_readable: bool,
    /// Whether a warning about that is still to be logged.
    is_warning_due: bool,
}

/// Whether a file contains secrets, with which its readers could impersonate others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sensitivity {
    Public,
    #[cfg_attr(not(feature = "jwt"), allow(dead_code, reason = "only files of JWT keys have secrets"))]
    Secret,
}

/// The metadata that changes whenever a file does.
#[derive(Debug, PartialEq)]
struct FileStamp {
    /// Device and inode.
    location: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    fn of(file: &Metadata) -> Self {
        Self {
            location: (file.dev(), file.ino()),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether the last change is so long ago that a further one changes the times.
    fn is_reliable(&self, now: SystemTime) -> bool {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ago = since_1970.as_millis() as i128
            - (i128::from(self.changed.0) * 1000 + i128::from(self.changed.1 / 1_000_000));
        // A time in the future comes from another clock. Without the absolute value, the file would
        // be read at each look until then.
        ago.unsigned_abs() > CLOCK_RESOLUTION.as_millis()
    }
}

impl FileWatcher {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, stamp: None, content: None, last_error: None, is_world_readable: false, is_warning_due: false }
    }

    /// Returns the text of the file, if it differs from that of the last look.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read_if_changed(&mut self) -> io::Result<Option<String>> {
        let stamp = FileStamp::of(&fs::metadata(&self.path)?);
        if self.stamp.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        self.stamp = None;
        // The metadata of the opened file: the path may lead to another file by now.
        let (file, metadata) = regular_file::open(&self.path)?;
        let text = regular_file::text_of(file, &metadata)?;
        self.is_world_readable = regular_file::is_readable_by_everybody(&metadata);
        self.stamp = Some(FileStamp::of(&metadata)).filter(|stamp| stamp.is_reliable(SystemTime::now()));
        let content = Digest::of(&text);
        let changed = self.content.replace(content) != Some(content);
        Ok(changed.then_some(text))
    }

    /// Notes that the text of the last look was accepted, and whether it has secrets.
    pub(super) fn accepted(&mut self, sensitivity: Sensitivity) {
        self.is_warning_due = sensitivity == Sensitivity::Secret && self.is_world_readable;
    }

    /// Watches the file on a new thread, for as long as `target` is referenced elsewhere.
    ///
    /// `load` gets each new text, and each error of reading the file. An error that it returns is
    /// logged once, until it changes.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn watch<T, F>(mut self, target: &Arc<T>, load: F) -> Result<()>
    where
        T: Send + Sync + 'static,
        F: Fn(&T, io::Result<String>) -> Result<Sensitivity> + Send + 'static,
    {
        let (target, path) = (Arc::downgrade(target), self.path.display().to_string());
        let watch = move || {
            while let Some(target) = target.upgrade() {
                self.poll(|text| load(&target, text));
                self.warn();
                drop(target);
                std::thread::sleep(POLL_INTERVAL);
            }
        };
        std::thread::Builder::new().name("callbox-files".to_owned()).spawn(watch).map(drop).map_err(|error| {
            let what = format_args!("cannot start a thread to watch {path} ({error})");
            StartError::new(what, "raise the number of processes that this user may have (ulimit -u)")
        })
    }

    /// Warns of a file with secrets that everybody may read, as soon as there is a log. The file is
    /// read for the first time before the server sets up its log.
    fn warn(&mut self) {
        if self.is_warning_due && log::reads_warnings() {
            self.is_warning_due = false;
            log_warn!(
                file = %self.path.display(),
                "everybody on this machine may read the secrets in this file: restrict its mode (chmod o-r)"
            );
        }
    }

    /// Looks at the file once, and loads it if it has changed.
    fn poll(&mut self, load: impl FnOnce(io::Result<String>) -> Result<Sensitivity>) {
        let text = match self.read_if_changed() {
            Ok(None) => return,
            Ok(Some(text)) => Ok(text),
            Err(error) => {
                // Once the file can be read again, its text counts as new.
                (self.stamp, self.content) = (None, None);
                Err(error)
            }
        };
        let error = match load(text) {
            Ok(sensitivity) => {
                self.accepted(sensitivity);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if error.is_some() && error != self.last_error {
            let error = error.as_deref();
            log_error!(error, "a changed file was rejected, its previous content stays in use");
        }
        self.last_error = error;
    }
}

#[cfg(test)]
mod tests;
