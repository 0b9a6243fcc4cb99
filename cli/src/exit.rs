//! Exit codes, and the message of a command that fails.

use std::process::ExitCode;

/// The part of `--help` that lists the exit codes. The guide's page `command_line` has the same
/// table.
pub(crate) const HELP: &str = "\
Exit codes:
  0  the call returned a result
  1  a local failure, such as a file that cannot be read
  2  the command line is invalid
  3  the server returned an error other than those below
  4  the call was rejected and did not run: the server is busy or unavailable
  5  the server cannot be reached, or its response is not JSON-RPC
  6  the deadline was exceeded
  7  access denied
  130  ended by Ctrl-c
  143  ended by SIGTERM";

/// Exit codes other than success, as [`HELP`] lists them.
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
    /// Ended by Ctrl-c, with the code that shells use.
    Interrupted = 130,
    /// Ended by SIGTERM, with the code that shells use.
    Terminated = 143,
}

/// The failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line for the user: what is wrong, and how to fix it. Empty if everything has been
    /// printed.
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
        assert_eq!(rows.len(), 10);
        for (code, meaning) in rows {
            assert!(page.contains(&format!("| {code} | {meaning} |")), "{code}: {meaning}");
        }
    }
}
