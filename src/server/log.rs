//! Sets up the log of a program that has not done so itself, and prints to standard output.

use std::io::{self, ErrorKind, IsTerminal, Write};

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(feature = "testing")]
use crate::log::caught;
use crate::log::{count_lost_lines, keep_lost_lines, limit_hook, take_lost_lines};
use crate::settings::{SettingSource, Settings};
use crate::start_error::{Result, StartError};
use crate::sync::Mutex;

/// Who reads the log, which decides where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogReader {
    /// The operator of the program. The log is written to standard error.
    Operator,
    /// A test. The test harness captures the log, and shows it if the test fails.
    #[cfg(feature = "testing")]
    Test,
}

/// The filter of the log that callbox has set up in this process, if it has.
static OWN_FILTER: Mutex<Option<String>> = Mutex::new(None);

/// Sets up the log, unless the program has set up `tracing` itself. Warns if the configured filter
/// has no effect.
pub(crate) fn init(settings: &Settings, reader: LogReader) {
    if reader == LogReader::Operator {
        limit_hook();
    }
    let filter = settings.log.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let mut own_filter = OWN_FILTER.lock();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || LogWriter(reader))
        .with_ansi(reader == LogReader::Operator && io::stderr().is_terminal())
        // It would report a failed write with `eprintln!`, which panics if that fails, too.
        .log_internal_errors(false)
        .with_filter(filter);
    let set_up = tracing_subscriber::registry().with(lines).try_init();
    if set_up.is_ok() {
        *own_filter = Some(settings.log.clone());
        return;
    }
    let reason = match own_filter.as_deref() {
        Some(same) if same == settings.log => return,
        Some(_) => "another server of this program has set up the log",
        None => "the program has set up a tracing subscriber of its own, which decides what is logged",
    };
    drop(own_filter);
    if let Some(source) = explicit_source(settings) {
        log_warn!(filter = settings.log, %source, "this log filter has no effect: {reason}");
    }
}

/// Returns the source of the log filter, if the filter was meant for callbox. `RUST_LOG` is for
/// every program, and the program's own subscriber may read it.
fn explicit_source(settings: &Settings) -> Option<&SettingSource> {
    Some(settings.source("log")).filter(|source| match source {
        SettingSource::Flag(_) | SettingSource::File(..) => true,
        SettingSource::Env(name) => name != "RUST_LOG",
        SettingSource::Builder | SettingSource::Default => false,
    })
}

/// Writes whole lines of the log, and never fails: lines that cannot be written are counted.
struct LogWriter(LogReader);

impl Write for LogWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        match self.0 {
            LogReader::Operator => write_lines(&mut io::stderr(), lines),
            #[cfg(feature = "testing")]
            LogReader::Test => write_lines(&mut TestStderr, lines),
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines, after a line with the number of those that were lost before. If writing fails,
/// these lines are lost, too.
fn write_lines(out: &mut impl Write, lines: &[u8]) {
    let lost = take_lost_lines();
    // Begins with a line break: a part of the last line that failed may have been written.
    let reported = if lost > 0 { writeln!(out, "\n{lost} lines of the log could not be written") } else { Ok(()) };
    if reported.is_err() {
        keep_lost_lines(lost);
    }
    if reported.and_then(|()| out.write_all(lines)).is_err() {
        count_lost_lines(lines.iter().filter(|byte| **byte == b'\n').count() as u64);
    }
}

/// Standard error as the test harness captures it: only what is written with `eprint!`.
#[cfg(feature = "testing")]
struct TestStderr;

#[cfg(feature = "testing")]
impl Write for TestStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // `eprint!` panics if standard error is closed.
        let written = caught(|| eprint!("{}", String::from_utf8_lossy(bytes)));
        written.map(|()| bytes.len()).map_err(|_| ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints to standard output. A closed pipe is no error: its reader has seen enough.
///
/// # Errors
/// If writing fails for another reason, such as a full disk.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let what = format_args!("standard output cannot be written ({error})");
            Err(StartError::new(what, "redirect it to a file or a terminal that can be written to").with_source(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that may be full.
    struct Disk {
        full: bool,
        written: String,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.full {
                return Err(ErrorKind::StorageFull.into());
            }
            self.written += std::str::from_utf8(bytes).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_reported_once_writing_works_again() {
        let mut disk = Disk { full: false, written: String::new() };
        // Takes the count of lines that other tests have lost.
        write_lines(&mut disk, b"first\n");
        disk.written.clear();
        disk.full = true;
        (0..3).for_each(|_| write_lines(&mut disk, b"nobody sees this\n"));
        disk.full = false;
        write_lines(&mut disk, b"last\n");
        let mut lines = disk.written.lines().filter(|line| !line.is_empty());
        let count = lines.next().and_then(|line| line.strip_suffix(" lines of the log could not be written"));
        assert!(count.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= 3), "{}", disk.written);
        assert_eq!((lines.next(), lines.next()), (Some("last"), None));
    }
}
