//! What answers do not tell: the texts of errors and panics, names of types and modules, places in files.
//!
//! Everything of the kind that a server here could tell has the word *inner* in it.

mod http;
mod methods;
mod parameters;
#[path = "../support/wait.rs"]
mod wait;

/// Fails if an answer tells what is none of its reader's business. `what` was asked.
#[track_caller]
fn assert_tells_nothing(what: &str, answer: &str) {
    let lower = answer.to_lowercase();
    for inner in ["inner", "panick", ".rs", "src/", "os error", "::", " line ", " column ", "/tmp", "backtrace"] {
        assert!(!lower.contains(inner), "{inner:?} in the answer to {what}: {answer}");
    }
}
