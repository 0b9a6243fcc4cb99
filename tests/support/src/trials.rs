//! Runs tests in a program that can be a server as well.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test with its name.
pub type Test = (&'static str, fn());

/// Runs the tests that the arguments of this program select, as the harness of Rust does: as many
/// at once as `RUST_TEST_THREADS` says, unless an argument says otherwise.
pub fn run(tests: impl IntoIterator<Item = Test>) -> ExitCode {
    let trial = |(name, test): Test| {
        Trial::test(name, move || -> Result<(), Failed> {
            test();
            Ok(())
        })
    };
    let mut arguments = Arguments::from_args();
    let threads = || std::env::var("RUST_TEST_THREADS").ok()?.parse().ok();
    arguments.test_threads = arguments.test_threads.or_else(threads);
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit_code()
}
