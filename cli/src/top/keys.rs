//! What is typed while a table is on the screen.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What has happened at the terminal.
pub(super) enum Typed {
    Key(KeyEvent),
    Nothing,
    /// The terminal is gone.
    Gone,
}

/// Waits for a key, for at most this time.
///
/// # Errors
/// If the terminal cannot be read.
pub(super) fn next(time: Duration) -> io::Result<Typed> {
    let stdin = io::stdin();
    // Crossterm reads the terminal itself if standard input is something else.
    if stdin.is_terminal() {
        let mut waited = [PollFd::new(&stdin, PollFlags::IN)];
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        match poll(&mut waited, Some(&time)) {
            // A signal, such as that of a window that changes its size.
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Typed::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        // Crossterm would read a terminal that is gone again and again, and never return.
        if waited[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
            return Ok(Typed::Gone);
        }
    }
    let time = if stdin.is_terminal() { Duration::ZERO } else { time };
    if event::poll(time)?
        && let Event::Key(key) = event::read()?
        && key.kind == KeyEventKind::Press
    {
        return Ok(Typed::Key(key));
    }
    Ok(Typed::Nothing)
}
