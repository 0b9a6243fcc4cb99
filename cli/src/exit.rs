//! How a command ends: its exit code, and the line that says why.

use std::process::ExitCode;

/// What `--help` says about exit codes; the guide's page `command_line` has the same table.
pub(crate) const HELP: &str = "\
Exit codes:
  0  a result came
  1  something on this side failed, such as a file that cannot be read
  2  the command line is wrong
  3  the server answered with an error that is none of those below
  4  the call was turned away: the server is busy or unavailable, and it never ran
  5  there is no server, or what answers is no JSON-RPC
  6  the deadline passed
  7  access denied";

/// Ends that are no success, as [`HELP`] lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Failure = 1,
    Usage = 2,
    Method = 3,
    Refused = 4,
    Unreachable = 5,
    Deadline = 6,
    Denied = 7,
    /// By ctrl-c, as shells count it.
    Interrupted = 130,
    /// By SIGTERM, as shells count it.
    Terminated = 143,
}

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line for the person at the keyboard: what is wrong, and how to mend it. Empty if all has been said.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { exit: Exit::Failure, message }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_the_same_table() {
        let page = include_str!("../../src/docs/command_line.md");
        let rows: Vec<_> = HELP.lines().filter_map(|line| line.trim().split_once("  ")).collect();
        assert_eq!(rows.len(), 8);
        for (code, meaning) in rows {
            assert!(page.contains(&format!("| {code} | {meaning} |")), "{code}: {meaning}");
        }
    }
}
