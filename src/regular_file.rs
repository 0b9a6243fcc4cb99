//! Reads regular files, and rejects pipes, sockets and devices without blocking.
//!
//! Opening a named pipe blocks until somebody writes to it, and reading a terminal or a device may
//! never end. The paths come from operators, and a thread that watches files must not block: a
//! revoked token would stay valid.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens a regular file for reading, and returns its metadata as well.
///
/// # Errors
/// If the file cannot be opened, and if the path leads to anything but a regular file.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Checked before opening, as merely opening a device may have an effect.
    is_regular(&std::fs::metadata(path)?)?;
    // The file may be replaced between the check and the opening. With `O_NONBLOCK` opening never
    // blocks, and reading a regular file works as without; then the opened file is checked again.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    is_regular(&metadata)?;
    Ok((file, metadata))
}

/// Reads the bytes of a regular file.
///
/// # Errors
/// Those of [`open`], and if the file cannot be read.
#[cfg(feature = "tls")]
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, metadata) = open(path)?;
    let mut bytes = Vec::with_capacity(initial_capacity(&metadata));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the text of a regular file.
///
/// # Errors
/// Those of [`open`], and if the file cannot be read or is not UTF-8.
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    let (file, metadata) = open(path)?;
    text_of(file, &metadata)
}

/// Reads the text of a file that [`open`] returned.
///
/// # Errors
/// If the file cannot be read or is not UTF-8.
pub(crate) fn text_of(mut file: File, metadata: &Metadata) -> io::Result<String> {
    let mut text = String::with_capacity(initial_capacity(metadata));
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Whether the mode of a file lets everybody on the machine read it. A directory above it may still
/// forbid that.
pub(crate) fn is_readable_by_everybody(metadata: &Metadata) -> bool {
    metadata.mode() & 0o004 != 0
}

/// Returns the initial capacity for the content of a file, in bytes: at most 64 MiB, as a sparse
/// file may claim any length.
fn initial_capacity(metadata: &Metadata) -> usize {
    usize::try_from(metadata.len()).unwrap_or_default().min(64 << 20)
}

fn is_regular(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => return Err(io::Error::from_raw_os_error(libc::EISDIR)),
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a regular file")))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    /// Makes a named pipe that nobody writes to.
    pub(crate) fn make_pipe(path: &Path) {
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("a named pipe");
    }

    /// Runs code that must not block. It runs on its own thread, so that a test ends even if it
    /// blocks.
    pub(crate) fn at_once<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, result) = channel();
        std::thread::spawn(move || sender.send(run()));
        result.recv_timeout(Duration::from_secs(20)).expect("the code must not block")
    }

    #[test]
    fn a_regular_file_is_read_even_through_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&path, "text").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        for path in [&path, &link] {
            assert_eq!(read_to_string(path).unwrap(), "text");
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_to_string(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read_to_string(&link).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn anything_but_a_regular_file_is_rejected_without_blocking_by_an_error_that_names_its_kind() {
        let directory = tempfile::tempdir().unwrap();
        let [pipe, socket, link] = ["pipe", "socket", "link"].map(|name| directory.path().join(name));
        make_pipe(&pipe);
        let _listener = UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink("pipe", &link).unwrap();
        let cases =
            [(pipe, "a named pipe"), (link, "a named pipe"), (socket, "a socket"), ("/dev/zero".into(), "a device")];
        for (path, what) in cases {
            let error = at_once(move || read_to_string(&path)).unwrap_err().to_string();
            assert_eq!(error, format!("it is {what}, not a regular file"));
        }
        let error = read_to_string(directory.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_pipe_that_replaces_a_file_while_it_is_opened_is_rejected_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let [pipe, file, place] = [("pipe", true), ("regular", false), ("place", false)].map(|(name, pipe)| {
            let path = path.with_file_name(name);
            match pipe {
                true => make_pipe(&path),
                false => std::fs::write(&path, "text").unwrap(),
            }
            path
        });
        let (stop, stopped) = channel::<()>();
        let swapped = place.clone();
        let swap = std::thread::spawn(move || {
            // Hard links, so that each replacement is a single rename.
            let beside = swapped.with_file_name("beside");
            while stopped.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty) {
                for target in [&pipe, &file] {
                    std::fs::hard_link(target, &beside).unwrap();
                    std::fs::rename(&beside, &swapped).unwrap();
                    // The rename does nothing if both names are links to the same file.
                    let _ = std::fs::remove_file(&beside);
                }
            }
        });
        at_once(move || {
            for _ in 0..5_000 {
                match read_to_string(&place) {
                    Ok(text) => assert_eq!(text, "text"),
                    Err(error) => assert!(error.to_string().contains("a named pipe"), "{error}"),
                }
            }
        });
        drop(stop);
        swap.join().unwrap();
    }
}
