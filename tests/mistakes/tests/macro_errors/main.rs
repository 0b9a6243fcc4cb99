//! What the macros say of mistakes: each file of `tests/ui` makes one, and beside it stands what
//! the compiler answers.
//!
//! `CALLBOX_WRITE_MISTAKES=1 cargo test --package callbox-mistakes` writes the answers anew; read
//! them before they are committed.

mod compiler;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Where the cases stand, below the directory in which a test of this package runs.
const CASES: &str = "tests/ui";

#[test]
fn every_mistake_is_reported_once_and_where_it_was_made() {
    let cases = files("rs");
    assert!(cases.len() > 90, "there are the cases: {cases:?}");
    let mistakes = files("stderr").into_iter().map(|answer| answer.with_extension("rs"));
    let gone: Vec<_> = mistakes.filter(|mistake| !cases.contains(mistake)).collect();
    assert!(gone.is_empty(), "there are answers to {gone:?}, which are not there");

    let wrong = of_each(&cases.into_iter().collect::<Vec<_>>());
    assert!(wrong.is_empty(), "{} cases:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Has as many cases compiled at a time as there are processors; what is wrong with them.
fn of_each(cases: &[PathBuf]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let some = || {
        let cases = iter::from_fn(|| cases.get(next.fetch_add(1, Ordering::Relaxed)));
        cases.filter_map(|case| problem(case)).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

/// Returns what is wrong with what the compiler says of a case.
fn problem(case: &Path) -> Option<String> {
    let Some(said) = compiler::errors_of(case) else {
        return Some(format!("{} compiles", case.display()));
    };
    let said = words::of_this_case(&said, case);
    let file = case.with_extension("stderr");
    if std::env::var_os("CALLBOX_WRITE_MISTAKES").is_some() {
        fs::write(&file, said).expect("the answer can be written");
        return None;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    let name = file.display();
    (said != expected).then(|| format!("{name} has\n{expected}\nand the compiler says\n{said}"))
}

fn files(extension: &str) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(CASES).expect("the directory of the cases");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|file| file.extension().is_some_and(|its| its == extension)).collect()
}
