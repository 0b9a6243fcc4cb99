//! Standard output and standard error.

use std::io::{self, Write};

use crate::Result;

/// Writes what a command was asked for. A reader that has left has seen enough, as `head` has.
pub(crate) fn print(text: &str) -> Result<()> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(write_error(&error)),
        _ => Ok(()),
    }
}

/// Writes what somebody has to read.
pub(crate) fn print_or_fail(text: &str) -> Result<()> {
    write(text).map_err(|error| write_error(&error))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

fn write_error(error: &io::Error) -> String {
    format!("standard output is closed: {error}")
}

/// For people; a reader that has left is no mistake.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether people read it who like colours.
pub(crate) fn colours(stream: &impl io::IsTerminal) -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    stream.is_terminal() && unset("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many characters a line has; as many as people expect if nobody can tell.
pub(crate) fn width() -> usize {
    let known = io::IsTerminal::is_terminal(&io::stdout()).then(ratatui::crossterm::terminal::size);
    known.and_then(io::Result::ok).map_or(100, |(columns, _)| usize::from(columns).max(40))
}

/// A text of somebody else's without what would speak to the terminal.
pub(crate) fn sanitize(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
