//! The command `callbox new`: what it writes, what it rejects, and that the new crate works
//! unchanged. For the last, all of callbox is built again, since a new crate has features of its
//! own and not those of this workspace: so `bash tests/foreign` runs it.

#[cfg(feature = "foreign")]
mod builds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The checkout that this test belongs to.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const FILES: &[&str] = &[
    ".gitignore",
    "Cargo.toml",
    "README.md",
    "rustfmt.toml",
    "src/lib.rs",
    "src/main.rs",
    "src/service.rs",
    "static/style.css",
    "templates/stats.hbs",
    "tests/pages.rs",
    "tests/service.rs",
];

/// A directory for one test, which is removed when its value is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("new-{name}-{}", std::process::id()));
        // A run that was killed may have left it.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn callbox(directory: &Path, arguments: &[&str]) -> Output {
    let command =
        Command::new(env!("CARGO_BIN_EXE_callbox")).arg("new").args(arguments).current_dir(directory).output();
    command.expect("the command runs")
}

/// Writes a crate, and returns the output of the command.
fn write(directory: &Path, arguments: &[&str]) -> String {
    let output = callbox(directory, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the one line of a command that fails.
fn rejection(directory: &Path, arguments: &[&str]) -> String {
    let output = callbox(directory, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn files_in(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(directory).expect("below").display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_new_crate_has_all_its_files_and_no_placeholder() {
    let scratch = Scratch::new("files");
    for role in ["basic", "entity", "storage", "compute"] {
        let said = write(&scratch.0, &["Shop", &format!("{role}/my-shop"), "--role", role]);
        let crate_dir = scratch.0.join(role).join("my-shop");
        assert_eq!(files_in(&crate_dir), FILES);
        for file in FILES {
            assert!(said.contains(file), "{said}");
            let text = fs::read_to_string(crate_dir.join(file)).expect("text");
            for placeholder in ["MyService", "my_service", "\"example.", "_CALL", "CALLBOX_SOURCE"] {
                assert!(!text.contains(placeholder), "{placeholder} is left in {file} of {role}:\n{text}");
            }
        }
        let service = fs::read_to_string(crate_dir.join("src/service.rs")).expect("text");
        assert!(service.contains("#[service(name = \"my_shop\")]\nimpl Shop {"), "{service}");
        assert!(service.contains("#[private_api_method]"), "{service}");
        assert!(said.contains(&format!("cd {role}/my-shop\n  cargo run\n")), "{said}");
        assert!(said.contains("curl -s http://127.0.0.1:5000/api"), "{said}");
    }
}

#[test]
fn the_manifest_names_callbox_and_the_versions_that_callbox_has() {
    let scratch = Scratch::new("manifest");
    let checkout = CHECKOUT;
    write(&scratch.0, &["Shop", "my-shop", "--callbox-path", checkout]);
    let read =
        |path: PathBuf| -> toml::Table { fs::read_to_string(path).expect("a manifest").parse().expect("valid TOML") };
    let new = read(scratch.0.join("my-shop/Cargo.toml"));
    let ours = read(Path::new(checkout).join("Cargo.toml"));
    assert_eq!(new["package"]["name"].as_str(), Some("my-shop"));
    let path = new["dependencies"]["callbox"]["path"].as_str().expect("a path");
    assert_eq!(fs::canonicalize(path).ok(), fs::canonicalize(checkout).ok());
    assert_eq!(new["dev-dependencies"]["callbox"]["path"].as_str(), Some(path));

    let version =
        |dependency: &toml::Value| dependency.get("version").unwrap_or(dependency).as_str().map(str::to_owned);
    for name in ["actix-web", "schemars", "serde", "serde_json"] {
        assert_eq!(version(&new["dependencies"][name]), version(&ours["dependencies"][name]), "{name}");
    }
}

#[test]
fn a_crate_inside_another_has_its_own_workspace() {
    let scratch = Scratch::new("workspace");
    let outer = scratch.0.join("outer");
    fs::create_dir(&outer).expect("a directory");
    fs::write(outer.join("Cargo.toml"), "[workspace]\n").expect("a manifest");
    write(&outer, &["Shop", "shop"]);
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(outer.join("shop"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("a manifest that cargo takes");
    let root = metadata["workspace_root"].as_str().map(Path::new).expect("a root");
    assert_eq!(fs::canonicalize(root).ok(), fs::canonicalize(outer.join("shop")).ok());
}

#[test]
fn an_invalid_name_is_rejected_with_a_suggestion_and_nothing_is_written() {
    let scratch = Scratch::new("names");
    for (arguments, said) in [
        (&["my_service", "my_service"][..], "upper camel case, such as MyService"),
        (&["String", "my_service"], "has another meaning in the new code"),
        (&["User", "my_service", "--role", "entity"], "such as UserService"),
        (&["MyService", "my_service.py"], "a service is a whole crate: write a directory, such as my_service"),
        (&["MyService", "my_service.rs"], "such as my_service"),
        (&["MyService", "MyService"], "write it in snake case, such as my_service"),
        (&["MyService", "loop"], "such as loop_service"),
        (&["MyService", "serde"], "such as serde_service"),
        (&["MyService", "my_service", "--callbox-path", "/nowhere"], "name the directory of a callbox checkout"),
    ] {
        let line = rejection(&scratch.0, arguments);
        assert!(line.starts_with("Error: ") && line.contains(said), "{line}");
    }
    assert_eq!(files_in(&scratch.0), [""; 0]);
}

#[test]
fn a_directory_in_use_is_not_changed() {
    let scratch = Scratch::new("in-use");
    let used = scratch.0.join("used");
    for directory in ["used", "empty"] {
        fs::create_dir(scratch.0.join(directory)).expect("a directory");
    }
    for file in ["used/notes.txt", "taken"] {
        fs::write(scratch.0.join(file), "mine").expect("a file");
    }
    assert!(rejection(&scratch.0, &["Shop", "used"]).contains("is not empty: name another directory"));
    assert!(rejection(&scratch.0, &["Shop", "taken"]).contains("is a file: name another directory"));
    assert_eq!(files_in(&used), ["notes.txt"]);
    assert_eq!(fs::read_to_string(scratch.0.join("taken")).ok().as_deref(), Some("mine"));

    write(&scratch.0, &["Shop", "empty"]);
    assert_eq!(files_in(&scratch.0.join("empty")), FILES);
}
