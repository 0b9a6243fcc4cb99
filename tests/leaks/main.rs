//! What responses must not reveal: texts of internal errors and panics, names of types and modules,
//! and positions in files.
//!
//! Everything of the kind that a server here could tell has the word *inner* in it.

mod http;
mod methods;
mod parameters;

/// Fails if the response to `what` reveals anything internal.
#[track_caller]
fn assert_reveals_nothing(what: &str, answer: &str) {
    // Where in a caller's own body its mistake is, is the caller's business.
    let parts: Vec<_> = answer.split(" at line ").map(without_place).collect();
    let lower = parts.concat().to_lowercase();
    for inner in ["inner", "panick", ".rs", "src/", "os error", "::", " line ", " column ", "/tmp", "backtrace"] {
        assert!(!lower.contains(inner), "{inner:?} in the answer to {what}: {answer}");
    }
}

/// The same text without `1, column 2` at its front.
fn without_place(text: &str) -> &str {
    let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let rest = rest.strip_prefix(", column ").filter(|_| rest.len() < text.len());
    rest.map_or(text, |rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}
