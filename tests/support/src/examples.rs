//! The examples of the library as the programs that their users run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::program::{Program, RunningProgram};

/// The directory in which users run the examples.
pub const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The paths of the built examples, by name.
static PROGRAMS: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(build);

/// The program of a package of its own that is used like an example.
const CONSUMER: &str = "shop-consumer";

/// Returns an example, or the consumer of the shop, as a program, with these arguments, to be
/// started in the checkout.
///
/// The first call builds all examples. With the whole workspace, so that the features are those of
/// the tests, and what the tests have built is not built again.
///
/// # Panics
/// If the examples cannot be built, or if there is none of this name.
pub fn example(name: &str, args: &[&str]) -> Program {
    Program::at(&example_path(name), args).in_directory(Path::new(CHECKOUT))
}

/// Returns the path of an example, which this builds as [`example`] does.
///
/// # Panics
/// If the examples cannot be built, or if there is none of this name.
pub fn example_path(name: &str) -> PathBuf {
    PROGRAMS.get(name).unwrap_or_else(|| panic!("there is no example {name}")).clone()
}

/// Starts an example that is a server, on a free port.
///
/// # Panics
/// If the example does not start.
pub fn start_example(name: &str) -> RunningProgram {
    example(name, &["--port", "0"]).start()
}

fn build() -> BTreeMap<String, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--offline",
            "--workspace",
            "--examples",
            "--bin",
            CONSUMER,
            "--message-format=json",
        ])
        .current_dir(CHECKOUT)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the examples can be built: {}", output.status);
    let messages = String::from_utf8(output.stdout).expect("text");
    messages.lines().filter_map(program_in).collect()
}

/// Returns the name and the path of the example, or of the consumer, that a message of cargo
/// reports as built, if any.
fn program_in(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_example = target["kind"].as_array()?.iter().any(|kind| kind == "example") || target["name"] == CONSUMER;
    let path = message["executable"].as_str().filter(|_| is_example)?;
    Some((target["name"].as_str()?.to_owned(), path.into()))
}
