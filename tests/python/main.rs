//! Programs in Python: the released clients of pymicroservice and gemstone, and a collector of
//! traces.
//!
//! Needs Python 3 and its packages: `bash tests/python/setup` makes them ready.

mod clients;
mod shop;
mod traces;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use callbox_test_support::trials::{self, Test};

/// What to do if Python or a package is missing.
const ADVICE: &str = "`bash tests/python/setup` makes Python and its packages ready";

const TESTS: [Test; 5] = [
    ("the_client_of_pymicroservice_is_answered", clients::pymicroservice),
    ("the_client_of_gemstone_is_answered", clients::gemstone),
    (
        "both_clients_are_answered_beside_a_strict_endpoint_and_with_another_token_header",
        clients::beside_a_strict_endpoint,
    ),
    ("one_trace_goes_from_a_browser_through_two_services_to_a_collector_of_others", traces::one_trace),
    ("a_collector_of_others_reads_which_calls_failed", traces::failures),
];

fn main() -> ExitCode {
    shop::run().unwrap_or_else(|| trials::run(TESTS))
}

/// Returns the Python of the virtual environment that the set-up makes, beside what this test was
/// built into.
fn interpreter() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp");
    target.join("python/bin/python")
}

/// Returns the path of one of the scripts.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}
