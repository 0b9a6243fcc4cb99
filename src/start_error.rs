//! The errors of a program: why its server could not start, and any error of its own code.

use std::error::Error as StdError;
use std::fmt;

/// The error of a program that could not start: one line that says what is wrong and how to fix it.
///
/// A wrong setting, a port in use, a template that cannot be read, two methods with one name: all
/// of them end the start with this error. It is for operators to read, so it has no variants to
/// match on; [`source`](StdError::source) returns the underlying error, if there is one. The
/// failures of methods are [`RpcError`](struct@crate::RpcError)s instead.
///
/// `Debug` prints the same line as `Display`, because Rust prints the error that `main` returns
/// with `Debug`. So operators read
///
/// ```text
/// Error: CALLBOX_PORT is "eighty": give a port number from 0 to 65535 (0 picks a free one)
/// ```
///
/// and not a dump of a struct.
pub struct StartError {
    line: String,
    source: Option<BoxError>,
}

/// Any error of a hook or of an authenticator. It is logged, and callers never see it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of starting: `fn main() -> callbox::Result<()>`.
pub type Result<T, E = StartError> = std::result::Result<T, E>;

impl StartError {
    /// Makes an error that reads `{what}: {fix}`. Line breaks in either become spaces.
    pub(crate) fn new(what: impl fmt::Display, fix: impl fmt::Display) -> Self {
        let line = format!("{what}: {fix}");
        Self { line: line.split_whitespace().collect::<Vec<_>>().join(" "), source: None }
    }

    /// Adds the underlying error.
    #[must_use]
    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for StartError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_display_are_the_same_single_line() {
        let error = StartError::new("callbox.toml:3: unknown\nkey", "remove it").with_source("underneath");
        assert_eq!(format!("{error:?}"), "callbox.toml:3: unknown key: remove it");
        assert_eq!(error.to_string(), format!("{error:?}"));
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("underneath"));
    }
}
