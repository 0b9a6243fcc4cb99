//! What the macros say of mistakes: each file of `tests/ui` makes one, and beside it stands what the compiler answers.
//!
//! `TRYBUILD=overwrite cargo test --package callbox-mistakes` writes the answers anew; read them before they are committed.

#[test]
fn every_mistake_is_reported_once_and_where_it_was_made() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
