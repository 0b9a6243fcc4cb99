//! The command `callbox new`: what it writes, what it rejects, and that the new crate works
//! unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use callbox_test_support::http::request;
use callbox_test_support::program::{Program, RunningProgram};
use serde_json::{Value, json};

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
        Self::at(format!("new-{name}-{}", std::process::id()))
    }

    /// Cargo caches builds by the path of the crate. So a crate that is built has the same path
    /// each time; otherwise its builds would accumulate.
    fn for_builds() -> Self {
        Self::at("new-build".to_owned())
    }

    fn at(name: String) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
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

/// One test for all roles, so that they are built one after another, and their dependencies are
/// built once.
#[test]
fn a_new_crate_of_each_role_builds_passes_its_tests_and_serves_calls() {
    let scratch = Scratch::for_builds();
    let calls = [
        ("basic", json!({ "method": "say_hello", "params": { "name": "world" } }), json!("hello world")),
        (
            "entity",
            json!({ "method": "create", "params": ["Ada", "ada@example.org"] }),
            json!({ "id": 1, "version": 1, "name": "Ada", "email": "ada@example.org" }),
        ),
        ("storage", json!({ "method": "put", "params": { "key": "a", "value": 1 } }), Value::Null),
        ("compute", json!({ "method": "primes_up_to", "params": [100] }), json!(25)),
    ];
    for (role, mut call, expected) in calls {
        let name = format!("new_{role}");
        write(&scratch.0, &["Shop", &name, "--role", role, "--callbox-path", CHECKOUT]);
        let crate_dir = scratch.0.join(&name);
        if role == "basic" {
            // Without the dev-dependencies. The other roles would show nothing more.
            cargo(&crate_dir, "check");
        }
        cargo(&crate_dir, "test");

        let program = target_dir().join("debug").join(&name);
        let server = start(&program, &crate_dir, &[]);
        call["jsonrpc"] = json!("2.0");
        call["id"] = json!(role);
        let answer: Value = serde_json::from_str(&ask(&server, "POST", "/api", &call.to_string())).expect("JSON");
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "result": expected, "id": role }));
        assert_has_pages(&server);
        if role == "basic" {
            runs_where_it_is_copied(&program, &crate_dir);
        }
    }
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
    fs::rename(crate_dir, &moved).expect("the crate is elsewhere");
    assert_has_pages(&start(&beside.join("shop"), Path::new("/"), &[]));
    let pages = image.0.join("pages").display().to_string();
    assert_has_pages(&start(&apart.join("shop"), Path::new("/"), &["--assets", &pages]));
    fs::rename(&moved, crate_dir).expect("the crate is back");
}

/// The target directory of this test, which has the dependencies of the new crates already.
fn target_dir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp")
}

/// The profile of this workspace, so that a dependency with the same features is not built twice.
const PROFILE: [&str; 4] =
    ["--config", "profile.dev.debug = 'line-tables-only'", "--config", "profile.dev.package.'*'.debug = false"];

fn cargo(crate_dir: &Path, command: &str) {
    // The same versions as here, so that nothing is downloaded or built twice.
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"), crate_dir.join("Cargo.lock")).expect("a lock file");
    let output = Command::new(env!("CARGO"))
        .args([command, "--offline"])
        .args(PROFILE)
        .arg("--target-dir")
        .arg(target_dir())
        .current_dir(crate_dir)
        .output()
        .expect("cargo runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "cargo {command} in {}:\n{out}\n{err}", crate_dir.display());
    let name = crate_dir.file_name().unwrap_or_default().display();
    assert!(!err.contains(&format!("warning: `{name}`")), "{err}");
}
