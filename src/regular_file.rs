//! Reading files whose paths an operator gives, without waiting for what is no file.
//!
//! Opening a named pipe waits until somebody writes to it, and reading a terminal or a device may
//! never end. Whoever looks after a file must not wait so, or a token that was revoked stays good.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens a regular file to read it, and returns what the system says of the opened file.
///
/// # Errors
/// If it cannot be opened, and if the path leads to something else than a regular file.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Before it is opened, since opening a device may already do something.
    is_regular(&std::fs::metadata(path)?)?;
    // Another one may have come into its place since. With `O_NONBLOCK` no open waits, whatever is
    // there by now; reading a regular file is the same with it and without.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    is_regular(&metadata)?;
    Ok((file, metadata))
}

/// Returns the bytes of a regular file.
///
/// # Errors
/// Those of [`open`], and if it cannot be read.
#[cfg(feature = "tls")]
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, metadata) = open(path)?;
    let mut bytes = Vec::with_capacity(room_for(&metadata));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the text of a regular file.
///
/// # Errors
/// Those of [`open`], and if it cannot be read or is not UTF-8.
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    let (file, metadata) = open(path)?;
    text_of(file, &metadata)
}

/// Returns the text of a file that is open already.
///
/// # Errors
/// If it cannot be read or is not UTF-8.
pub(crate) fn text_of(mut file: File, metadata: &Metadata) -> io::Result<String> {
    let mut text = String::with_capacity(room_for(metadata));
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Whether everybody on the machine may read a file, unless a directory above it forbids that.
pub(crate) fn is_readable_by_everybody(metadata: &Metadata) -> bool {
    metadata.mode() & 0o004 != 0
}

/// No more than a guess: the file may grow meanwhile, and a sparse one may claim any length.
fn room_for(metadata: &Metadata) -> usize {
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

    /// Makes a named pipe to which nobody will ever write.
    pub(crate) fn make_pipe(path: &Path) {
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).expect("a named pipe");
    }

    /// Runs what must not wait on a thread of its own, so that a test which fails also ends.
    pub(crate) fn at_once<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        std::thread::spawn(move || tell.send(what()));
        told.recv_timeout(Duration::from_secs(20)).expect("it waits for what never comes")
    }

    #[test]
    fn a_regular_file_is_read_also_behind_a_link() {
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
    fn what_is_no_regular_file_is_refused_at_once_and_the_error_says_what_it_is() {
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
    fn a_pipe_that_takes_the_place_of_a_file_while_it_is_opened_is_refused_too() {
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
        let (tell, told) = channel::<()>();
        let swapped = place.clone();
        let swap = std::thread::spawn(move || {
            // Links, as each change then needs no more than one rename.
            let beside = swapped.with_file_name("beside");
            while told.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty) {
                for target in [&pipe, &file] {
                    std::fs::hard_link(target, &beside).unwrap();
                    std::fs::rename(&beside, &swapped).unwrap();
                    // It stays if both names were of one file already.
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
        drop(tell);
        swap.join().unwrap();
    }
}
