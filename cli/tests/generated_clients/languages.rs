//! What checks and runs a client: a compiler, a formatter, an interpreter.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

const ADVICE: &str = "`bash tests/foreign` makes Node and Python ready";

/// A language that `callbox generate` writes.
#[derive(Clone, Copy)]
pub(crate) struct Language {
    name: &'static str,
    pub(crate) ending: &'static str,
    /// What the guide calls it.
    pub(crate) fence: &'static str,
}

pub(crate) const TYPESCRIPT: Language = Language { name: "typescript", ending: "ts", fence: "ts" };
pub(crate) const PYTHON: Language = Language { name: "python", ending: "py", fence: "python" };

impl Language {
    /// Writes the client of a document into the folder.
    pub(crate) fn generate(&self, source: &str, more: &[&str], folder: &Path) {
        let client = folder.join("client").with_extension(self.ending);
        let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
        command.args(["generate", self.name, source, "--output"]).arg(client).args(more);
        succeed(command.env_remove("CALLBOX_TOKEN"));
    }

    /// Checks everything in the folder as strictly as the language can.
    pub(crate) fn check(&self, folder: &Path) {
        if self.ending == "py" {
            let mut mypy = Command::new(python());
            mypy.args(["-m", "mypy", "--strict", "--no-incremental", "."]);
            succeed(mypy.current_dir(folder));
            return;
        }
        std::fs::write(folder.join("package.json"), r#"{"type":"module"}"#).expect("a file");
        let options = "--strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --noImplicitOverride \
            --noPropertyAccessFromIndexSignature --noUnusedLocals --noUnusedParameters --noImplicitReturns \
            --noFallthroughCasesInSwitch --erasableSyntaxOnly --target es2022 --module nodenext --outDir built";
        let mut tsc = node("typescript/bin/tsc");
        tsc.args(options.split_whitespace()).args(["--types", "node", "--typeRoots"]).arg(modules().join("@types"));
        let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path());
        tsc.args(files.filter(|path| path.extension() == Some(OsStr::new("ts")))).current_dir(folder);
        succeed(&mut tsc);
    }

    /// Checks that the formatter of the language would change nothing.
    pub(crate) fn check_layout(&self, folder: &Path) {
        let mut formatter = match self.ending {
            "py" => {
                let mut ruff = Command::new(python());
                ruff.args(["-m", "ruff", "format", "--no-cache", "--diff", "client.py"]);
                ruff
            }
            _ => {
                let mut prettier = node("prettier/bin/prettier.cjs");
                prettier.args(["--check", "client.ts"]);
                prettier
            }
        };
        succeed(formatter.current_dir(folder));
    }

    /// Runs the script `calls`, and returns what it prints.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str]) -> String {
        let mut command = match self.ending {
            "py" => {
                let mut python = Command::new(python());
                python.args(["-B", "calls.py"]);
                python
            }
            _ => {
                let mut node = Command::new("node");
                node.arg("built/calls.js");
                node
            }
        };
        succeed(command.args(arguments).env("NO_PROXY", "*").current_dir(folder))
    }
}

/// Runs a program that must succeed, and returns what it prints.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: {ADVICE}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let hint = if err.contains("No module named") || err.contains("Cannot find module") { ADVICE } else { "" };
    assert!(output.status.success(), "{command:?} failed: {hint}\n{out}\n{err}");
    out
}

/// The directory beside what this test was built into, where the tests' packages are.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp").to_owned()
}

fn modules() -> PathBuf {
    target().join("node/node_modules")
}

/// A program of a package for Node.
fn node(program: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(modules().join(program));
    node
}

fn python() -> PathBuf {
    target().join("python/bin/python")
}
