//! Stand-in.

use std::fmt;

/// Why a program could not start.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    /// What is wrong, and how to mend it.
    pub(crate) fn new(what: impl fmt::Display, fix: impl fmt::Display) -> Self {
        Self(format!("{what}: {fix}"))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
