//! The compiler that compiled this test, asked about other files.
//!
//! A case is compiled with the very libraries that this test is linked with, so nothing has to be
//! built for the cases alone.

use std::path::Path;
use std::process::Command;

use callbox_rustc_arguments::rustc_arguments;

/// The checkout. Cargo starts the compiler there, so this is what the places in callbox count from.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What this test was compiled with.
const ARGUMENTS: &[&str] = rustc_arguments!();

/// This package, as seen from the checkout.
pub(crate) const PACKAGE: &str = "tests/mistakes/";

/// Has the compiler look at a case, and returns what it says if it finds an error.
pub(crate) fn errors_of(case: &Path) -> Option<String> {
    let mut rustc = Command::new(ARGUMENTS[0]);
    rustc.args(["--edition=2024", "--crate-type=bin", "--emit=metadata"]);
    rustc.args(libraries()).arg("--diagnostic-width=140");
    // Of a case that compiles there would be something to write.
    rustc.arg("--out-dir").arg(env!("CARGO_TARGET_TMPDIR")).arg(Path::new(PACKAGE).join(case));
    let output = rustc.current_dir(ROOT).output().expect("the compiler runs");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Where libraries are, and which of them this test names.
fn libraries() -> impl Iterator<Item = &'static str> {
    let names_some = |pair: &&[&str]| matches!(pair[0], "-L" | "--extern");
    ARGUMENTS.windows(2).filter(names_some).flatten().copied()
}
