//! Standard output and standard error.

use std::io::{self, Write};

use crate::Result;

/// Prints the output of a command. A reader that closes the pipe early, such as `head`, is not an
/// error.
pub(crate) fn print(text: &str) -> Result<()> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(write_error(&error)),
        _ => Ok(()),
    }
}

/// Prints a line of output that goes on. Returns false if the reader has closed the pipe, so that
/// nobody wants more.
pub(crate) fn print_line(line: &str) -> Result<bool> {
    match write(line) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(write_error(&error)),
    }
}

/// Prints text that must be read; a closed pipe is an error.
pub(crate) fn print_or_fail(text: &str) -> Result<()> {
    write(text).map_err(|error| write_error(&error))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

fn write_error(error: &io::Error) -> String {
    format!("standard output cannot be written: {error}")
}

/// Prints a message on standard error. A failure is ignored: there is no other place to report it.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether to use colours: the stream is a terminal, and neither `NO_COLOR` nor `TERM=dumb` is set.
pub(crate) fn colours(stream: &impl io::IsTerminal) -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    stream.is_terminal() && unset("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Returns the number of columns of the terminal; 100 if standard output is not a terminal.
pub(crate) fn width() -> usize {
    let known = io::IsTerminal::is_terminal(&io::stdout()).then(ratatui::crossterm::terminal::size);
    known.and_then(io::Result::ok).map_or(100, |(columns, _)| usize::from(columns).max(40))
}

/// Replaces the control characters in text from a server, which could control the terminal.
pub(crate) fn sanitize(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
