//! The files in `deploy`, held to the metrics of a running server, to the settings, and to each
//! other. The target `deploy` gives them to the programs that they are for.

mod containers;
mod queries;
mod settings;
mod tokens;

use std::path::Path;

/// Returns the text of a file of the checkout.
fn read(path: &str) -> String {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the lines of a text that are not comments.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with('#'))
}
