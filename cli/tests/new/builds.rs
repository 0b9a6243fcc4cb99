//! New crates that are built, tested and run: one as its user has it after `callbox new`, and those
//! of the other roles as members of a workspace, for which one command of cargo is enough.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use callbox_test_support::http::request;
use callbox_test_support::program::{Program, RunningProgram};
use serde_json::{Value, json};

use super::{CHECKOUT, Scratch, files_in, write};

/// What `callbox new` writes where there is a workspace around, and what it says to do to make the
/// crate a member.
const OWN_WORKSPACE: &str =
    "\n# Keeps the crate out of the surrounding workspace. Remove this to make it a member.\n[workspace]\n";

/// A call of each role and its result. The last three are members of the workspace.
fn calls() -> [(&'static str, Value, Value); 4] {
    [
        ("basic", json!({ "method": "say_hello", "params": { "name": "world" } }), json!("hello world")),
        (
            "entity",
            json!({ "method": "create", "params": ["Ada", "ada@example.org"] }),
            json!({ "id": 1, "version": 1, "name": "Ada", "email": "ada@example.org" }),
        ),
        ("storage", json!({ "method": "put", "params": { "key": "a", "value": 1 } }), Value::Null),
        ("compute", json!({ "method": "primes_up_to", "params": [100] }), json!(25)),
    ]
}

/// One test for all roles, so that they are built one after another, and their dependencies are
/// built once.
#[test]
fn a_new_crate_of_each_role_builds_passes_its_tests_and_serves_calls() {
    let scratch = Scratch::new("build");
    let written = |role: &str| {
        let name = format!("new_{role}");
        write(&scratch.0, &["Shop", &name, "--role", role, "--callbox-path", CHECKOUT]);
        scratch.0.join(name)
    };
    fs::write(scratch.0.join("Cargo.toml"), "[workspace]\n").expect("a manifest");

    let basic = kept(&written("basic"), "new_basic");
    // As `cargo run` does, without the dev-dependencies. The other roles would show nothing more.
    cargo(&basic, &["build"]);
    let program = program_of("basic");
    assert_serves(&program, &basic, "basic");
    runs_where_it_is_copied(&program, &basic);
    let said = cargo(&basic, &["test"]);
    assert_eq!(said.matches("Doc-tests").count(), 1, "its tests have run up to the last: {said}");

    let members: Vec<_> = calls()[1..].iter().map(|(role, ..)| format!("new_{role}")).collect();
    let together = scratch.0.join("together");
    fs::create_dir(&together).expect("a directory");
    for (role, ..) in &calls()[1..] {
        let manifest = written(role).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert!(text.ends_with(OWN_WORKSPACE), "{text}");
        fs::write(&manifest, text.replace(OWN_WORKSPACE, "")).expect("a manifest");
        let name = format!("new_{role}");
        fs::rename(scratch.0.join(&name), together.join(&name)).expect("it moves");
    }
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
    fs::write(together.join("Cargo.toml"), workspace).expect("a manifest");
    let together = kept(&together, "new_together");
    let said = cargo(&together, &["test", "--workspace"]);
    assert_eq!(said.matches("Doc-tests").count(), members.len(), "{said}");
    for (role, ..) in &calls()[1..] {
        assert_serves(&program_of(role), &together.join(format!("new_{role}")), role);
    }
}

/// Returns a directory of this name with the same files, which stays from one run to the next.
///
/// Cargo knows crates by their paths, and files by the times of their changes. So what has not
/// changed since the last run is neither written nor built again.
fn kept(written: &Path, name: &str) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-build").join(name);
    fs::create_dir_all(&kept).expect("a directory");
    let files = files_in(written);
    for gone in files_in(&kept).iter().filter(|file| !files.contains(file)) {
        fs::remove_file(kept.join(gone)).expect("a file");
    }
    for file in &files {
        let (from, to) = (written.join(file), kept.join(file));
        let text = fs::read(&from).expect("a file");
        if fs::read(&to).ok().as_ref() != Some(&text) {
            fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
            fs::write(&to, text).expect("a file");
        }
    }
    kept
}

/// The target directory of this test, which has the dependencies of the new crates already.
fn target_dir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp")
}

/// Returns the program of a new crate.
fn program_of(role: &str) -> PathBuf {
    target_dir().join("debug").join(format!("new_{role}"))
}

/// The profile of this workspace, so that a dependency with the same features is not built twice.
const PROFILE: [&str; 4] =
    ["--config", "profile.dev.debug = 'line-tables-only'", "--config", "profile.dev.package.'*'.debug = false"];

/// Runs a command of cargo in a new crate or workspace, and returns what it says.
fn cargo(directory: &Path, command: &[&str]) -> String {
    // The same versions as here, so that nothing is downloaded or built twice.
    fs::copy(Path::new(CHECKOUT).join("Cargo.lock"), directory.join("Cargo.lock")).expect("a lock file");
    let output = Command::new(env!("CARGO"))
        .args(command)
        .arg("--offline")
        .args(PROFILE)
        .arg("--target-dir")
        .arg(target_dir())
        .current_dir(directory)
        .output()
        .expect("cargo runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "cargo {command:?} in {}:\n{out}\n{err}", directory.display());
    assert!(!err.contains("warning: `new_"), "{err}");
    err
}

/// Starts a new server in a directory, on a free port.
fn start(program: &Path, directory: &Path, args: &[&str]) -> RunningProgram {
    Program::at(program, &[&["--port", "0"], args].concat()).in_directory(directory).start()
}

/// Sends one request, and returns the body of its response, whose status must be 200.
fn ask(server: &RunningProgram, method: &str, path: &str, body: &str) -> String {
    let response = request(server.address(), method, path, &[], body);
    assert_eq!(response.status, 200, "{response:?}");
    response.body
}

fn assert_serves(program: &Path, crate_dir: &Path, role: &str) {
    let server = start(program, crate_dir, &[]);
    let (_, mut call, expected) = calls().into_iter().find(|(name, ..)| *name == role).expect("a role");
    call["jsonrpc"] = json!("2.0");
    call["id"] = json!(role);
    let answer: Value = serde_json::from_str(&ask(&server, "POST", "/api", &call.to_string())).expect("JSON");
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "result": expected, "id": role }));
    assert_has_pages(&server);
}

fn assert_has_pages(server: &RunningProgram) {
    assert!(ask(server, "GET", "/pages/stats", "").contains("<h1>Shop</h1>"));
    assert!(ask(server, "GET", "/static/style.css", "").contains('{'));
}

/// As in a container image: without the directory in which it was built, and with its pages beside
/// it or where a setting says.
fn runs_where_it_is_copied(program: &Path, crate_dir: &Path) {
    let image = Scratch::new("image");
    let (beside, apart) = (image.0.join("beside"), image.0.join("apart"));
    for (directory, pages) in [(&beside, &beside), (&apart, &image.0.join("pages"))] {
        fs::create_dir_all(directory).expect("a directory");
        fs::copy(program, directory.join("shop")).expect("a program");
        for file in ["templates/stats.hbs", "static/style.css"] {
            fs::create_dir_all(pages.join(file).parent().expect("a directory")).expect("a directory");
            fs::copy(crate_dir.join(file), pages.join(file)).expect("a file");
        }
    }
    let moved = crate_dir.with_extension("moved");
    // A run that was killed may have left it.
    let _ = fs::remove_dir_all(&moved);
    fs::rename(crate_dir, &moved).expect("the crate is elsewhere");
    assert_has_pages(&start(&beside.join("shop"), Path::new("/"), &[]));
    let pages = image.0.join("pages").display().to_string();
    assert_has_pages(&start(&apart.join("shop"), Path::new("/"), &["--assets", &pages]));
    fs::rename(&moved, crate_dir).expect("the crate is back");
}
