//! Standard output and standard error.

use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

/// Logs to standard error, unless the program has set up its own logging.
pub(super) fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error says that the program has done it already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// Prints to standard output; a reader that has left is no mistake.
pub(super) fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
