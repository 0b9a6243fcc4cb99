//! The file of tokens that a server follows.

use std::fs;
use std::path::Path;

use callbox::auth::TokenFile;
use callbox_test_support::http::request;
use callbox_test_support::program::{Program, ProgramOutput, RunningProgram};
use callbox_test_support::roles::GOOD_TOKEN;
use callbox_test_support::wait::until;
use rustix::process::Signal;

/// Makes a token of this name in a file.
fn issue(file: &Path, name: &str) -> String {
    TokenFile::new(file).issue(name, &[], None).expect("a token").reveal().to_owned()
}

/// Whether a server lets a token in.
fn accepts(program: &RunningProgram, method: &str, token: &str) -> bool {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#);
    let answer = request(program.address(), "POST", "/api", &[("X-Api-Token", token)], body).json();
    match answer["error"]["code"].as_i64() {
        Some(-32001) => false,
        // The method has parameters, at which nobody looks before.
        Some(-32602) | None => true,
        Some(_) => panic!("{answer}"),
    }
}

pub(crate) fn tokens() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("callbox-tokens.toml");
    let ann = issue(&file, "ann");
    let program = Program::with_role("private without tokens", &["--port", "0", "--token-failures", "off"]);
    let program = program.in_directory(directory.path()).start();
    assert!(accepts(&program, "hidden", &ann) && !accepts(&program, "hidden", "bad"));
    let bob = issue(&file, "bob");
    until("the new token is good", || accepts(&program, "hidden", &bob));
    TokenFile::new(&file).revoke("ann").expect("she has one");
    until("the revoked token is no longer good", || !accepts(&program, "hidden", &ann));
    fs::remove_file(&file).expect("the file");
    program.signal(Signal::TERM);
    let ProgramOutput { status, log, .. } = program.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    let read = log.lines().filter(|line| line.contains("the tokens were read file=callbox-tokens.toml")).count();
    assert_eq!(read, 3, "{log}");
}

pub(crate) fn token_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let [usual, other] = ["callbox-tokens.toml", "other.toml"].map(|file| issue(&directory.path().join(file), "ann"));
    let start = |role: &str, args: &[&str]| {
        Program::with_role(role, &[&["--port", "0"], args].concat()).in_directory(directory.path()).start()
    };
    // Each server, and which tokens it accepts: that of the program, of the usual file, of the
    // other file.
    for (program, good) in [
        (start("keeper", &[]), [true, false, false]),
        (start("keeper", &["--tokens", "callbox-tokens.toml"]), [false, true, false]),
        (start("keeper", &["--tokens", "other.toml"]), [false, false, true]),
        (start("guarded by a file", &[]), [false, false, true]),
        (start("guarded by a file", &["--tokens", "callbox-tokens.toml"]), [false, true, false]),
    ] {
        assert_eq!([GOOD_TOKEN, &usual, &other].map(|token| accepts(&program, "secret", token)), good);
    }
}
