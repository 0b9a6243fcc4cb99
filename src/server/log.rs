//! Sets up the log of a program that has not done so itself, and prints to standard output.

use std::io::{self, ErrorKind, IsTerminal, Write};

use tracing::dispatcher::has_been_set;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::dispatch::RequestLogging;
#[cfg(feature = "testing")]
use crate::log::Sink;
#[cfg(feature = "testing")]
use crate::log::caught;
use crate::log::{
    JsonLine, LogFormat, TARGET, flush_stderr, limit_hook, reads_access, reads_calls, reads_warnings, write_stderr,
};
use crate::settings::{SettingSource, Settings};
use crate::start_error::{Result, StartError};
use crate::sync::Mutex;
use crate::trace;

use super::traces;

/// Who reads the log, which decides where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogReader {
    /// The operator of the program. The log is written to standard error.
    Operator,
    /// A test. The test harness captures the log, and shows it if the test fails.
    #[cfg(feature = "testing")]
    Test,
}

/// The filter and the format of the log that callbox has set up in this process, if it has.
static OWN_LOG: Mutex<Option<(String, LogFormat)>> = Mutex::new(None);

/// Sets up the log and the export of traces, unless the program has set up `tracing` itself. Warns
/// if the configured filter has no effect. `service_name` is that of the program in traces.
///
/// # Errors
/// If the variables say that traces are exported, but not how.
pub(crate) fn init(settings: &Settings, reader: LogReader, service_name: &str) -> Result<()> {
    if reader == LogReader::Operator {
        limit_hook(settings.log_format);
    }
    let filter = line_filter(&settings.log);
    let mut own_log = OWN_LOG.lock();
    let format = settings.log_format;
    let lines = tracing_subscriber::fmt::layer()
        .event_format(format)
        .with_writer(move || LogWriter(reader, format))
        .with_ansi(format == LogFormat::Text && reader == LogReader::Operator && io::stderr().is_terminal())
        // It would report a failed write with `eprintln!`, which panics if that fails, too.
        .log_internal_errors(false)
        .with_filter(filter);
    let is_first = reader == LogReader::Operator && !has_been_set();
    let subscriber = tracing_subscriber::registry().with(lines);
    // Not an `Option` as a layer: with one that is empty, each place that logs would ask the
    // filters each time.
    let set_up = match if is_first { traces::layer(service_name)? } else { None } {
        Some(spans) => subscriber.with(spans).try_init(),
        None => subscriber.try_init(),
    };
    if set_up.is_ok() {
        *own_log = Some((settings.log.clone(), format));
        return Ok(());
    }
    if reader == LogReader::Operator {
        traces::warn_if_unused();
    }
    let (reason, same_filter, same_format) = match &*own_log {
        Some((own, own_format)) => {
            ("another server of this program has set up the log", *own == settings.log, *own_format == format)
        }
        None => ("the program has set up a tracing subscriber of its own, which decides what is logged", false, false),
    };
    drop(own_log);
    if let Some(source) = explicit_source(settings).filter(|_| !same_filter) {
        log_warn!(filter = settings.log, %source, "this log filter has no effect: {reason}");
    }
    let source = settings.source("log_format");
    if !same_format && *source != SettingSource::Default {
        log_warn!(%format, %source, "this log format has no effect: {reason}");
    }
    Ok(())
}

/// Returns what the lines of the log are. The spans of calls are none, unless the filter names
/// them: each line has what they would add to it, and a call without a span is cheaper.
fn line_filter(filter: &str) -> Targets {
    let targets = filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let names_spans = filter.split(',').any(|part| part.trim_start().starts_with(trace::TARGET));
    if names_spans { targets } else { targets.with_target(trace::TARGET, LevelFilter::OFF) }
}

/// Returns what is logged of each request. Warns if the access log has no effect.
pub(super) fn request_logging(settings: &Settings) -> RequestLogging {
    let access = settings.access_log;
    if access && !reads_access() {
        let source = settings.source("access_log");
        log_warn!(%source, "the access log has no effect: let the log filter have callbox::access=info");
    }
    RequestLogging { ids: access || settings.log_format == LogFormat::Json || reads_calls(), access }
}

/// Writes the error with which a server ends into a log of JSON. Rust prints it as text when `main`
/// returns it, which is enough for a log of text.
pub(super) fn report_error(format: LogFormat, error: &StartError) {
    // A subscriber of the program decides itself what it logs.
    let is_own = OWN_LOG.lock().is_some() || !reads_warnings();
    if format == LogFormat::Json && is_own {
        let line = JsonLine::new("ERROR", TARGET, &error.to_string());
        write_stderr(line.end().as_bytes(), format);
    }
    // A server that was stopped at once may have lines in the queue.
    flush_stderr();
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
struct LogWriter(LogReader, LogFormat);

impl Write for LogWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        match self.0 {
            LogReader::Operator => write_stderr(lines, self.1),
            #[cfg(feature = "testing")]
            LogReader::Test => Sink::new(TestStderr, self.1).write_lines(lines),
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
