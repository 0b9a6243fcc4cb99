//! The errors that the macros report. Each file of `tests/ui` has one mistake, and the file next to
//! it has the output of the compiler.
//!
//! `CALLBOX_WRITE_MISTAKES=1 cargo test --package callbox-mistakes` writes the expected output
//! again. Read the difference before you commit it.

mod compiler;
mod normalize;

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The directory of the cases, relative to this package, where its tests run.
const CASES: &str = "tests/ui";

#[test]
fn every_mistake_is_reported_once_and_where_it_was_made() {
    let cases = files("rs");
    assert!(cases.len() > 90, "some cases are missing: {cases:?}");
    let expected = files("stderr").into_iter().map(|output| output.with_extension("rs"));
    let without_case: Vec<_> = expected.filter(|case| !cases.contains(case)).collect();
    assert!(without_case.is_empty(), "there is expected output, but no case, for {without_case:?}");

    let failures = check_all(&cases.into_iter().collect::<Vec<_>>());
    assert!(failures.is_empty(), "{} cases fail:\n\n{}", failures.len(), failures.join("\n"));
}

/// Compiles the cases, as many at a time as there are processors. Returns those that fail.
fn check_all(cases: &[PathBuf]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let cases = iter::from_fn(|| cases.get(next.fetch_add(1, Ordering::Relaxed)));
        cases.filter_map(|case| check(case)).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// Compiles one case. Returns the difference to the expected output, if there is one.
fn check(case: &Path) -> Option<String> {
    let Some(output) = compiler::errors_of(case) else {
        return Some(format!("{} compiles without an error", case.display()));
    };
    let output = normalize::output_of(&output, case);
    let file = case.with_extension("stderr");
    if std::env::var_os("CALLBOX_WRITE_MISTAKES").is_some() {
        fs::write(&file, output).expect("the expected output can be written");
        return None;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    let name = file.display();
    (output != expected).then(|| format!("{name} has\n{expected}\nbut the compiler wrote\n{output}"))
}

fn files(extension: &str) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(CASES).expect("the directory of the cases");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|file| file.extension().is_some_and(|its| its == extension)).collect()
}
