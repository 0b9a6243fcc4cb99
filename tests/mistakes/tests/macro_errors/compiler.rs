//! Compiles a case with the compiler and the libraries of this test, so that no build for the cases
//! alone is needed.

use std::path::Path;
use std::process::Command;

use callbox_rustc_arguments::rustc_arguments;

/// The directory of the workspace. Cargo starts the compiler there, so paths in errors are relative
/// to it.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The command line with which this test was compiled.
const ARGUMENTS: &[&str] = rustc_arguments!();

/// The path of this package in the workspace.
pub(crate) const PACKAGE: &str = "tests/mistakes/";

/// Compiles a case. Returns the output of the compiler if there is an error.
pub(crate) fn errors_of(case: &Path) -> Option<String> {
    let mut rustc = Command::new(ARGUMENTS[0]);
    rustc.args(["--edition=2024", "--crate-type=bin", "--emit=metadata"]);
    rustc.args(libraries()).arg("--diagnostic-width=140");
    // A case that compiles, which is a failure, would write its metadata.
    rustc.arg("--out-dir").arg(env!("CARGO_TARGET_TMPDIR")).arg(Path::new(PACKAGE).join(case));
    let output = rustc.current_dir(ROOT).output().expect("the compiler runs");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Returns the arguments for the libraries of this test.
fn libraries() -> impl Iterator<Item = &'static str> {
    let is_library = |pair: &&[&str]| matches!(pair[0], "-L" | "--extern");
    ARGUMENTS.windows(2).filter(is_library).flatten().copied()
}
