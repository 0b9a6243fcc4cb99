//! The command `callbox token`: what it prints, what it writes, and what it rejects.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use callbox::auth::{Authenticate, TokenFile, Tokens};
use futures::FutureExt;
use tempfile::TempDir;

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command
        .arg("token")
        .args(arguments)
        .current_dir(directory)
        .env_remove("CALLBOX_TOKENS")
        .env_remove("CALLBOX_CONFIG");
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().expect("the command runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// Returns standard output and standard error of a command that succeeds.
#[track_caller]
fn stdout_and_stderr(output: &Output) -> (&str, &str) {
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// Returns the one line of a command that fails.
#[track_caller]
fn error_line(output: &Output) -> &str {
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let line = text(&output.stderr);
    assert!(line.starts_with("Error: ") && line.lines().count() == 1 && line.len() < 300, "{line}");
    line
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn a_new_token_is_the_only_output_and_it_is_valid() {
    let scratch = scratch();
    let arguments = ["new", "--name", "ci", "--scope", "admin,read", "--scope", "write", "--expires", "90d"];
    let output = run(scratch.path(), &arguments);
    let (out, err) = stdout_and_stderr(&output);
    let token = out.strip_suffix('\n').expect("one line");
    assert!(token.starts_with("cbx_") && !token.contains(char::is_whitespace), "{out}");
    for part in [
        "Created a token for ci: admin, read, write",
        "it expires 2",
        "shown only once",
        "--tokens callbox-tokens.toml",
    ] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!err.contains(token));
    let path = scratch.path().join("callbox-tokens.toml");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    let secret = token.rsplit('_').next().expect("a secret");
    assert!(!fs::read_to_string(&path).expect("the file").contains(secret));
    let caller = Tokens::open(&path).expect("a good file").authenticate(token).now_or_never().expect("at once");
    let caller = caller.expect("an answer").expect("a good token");
    assert_eq!(caller.name(), Some("ci"));
    assert_eq!(caller.scopes().collect::<Vec<_>>(), ["admin", "read", "write"]);
    let days = caller.expires().expect("an end").duration_since(std::time::SystemTime::now()).expect("in the future");
    assert_eq!(days.as_secs().div_ceil(86_400), 90);
}

#[test]
fn the_list_omits_the_secrets() {
    let scratch = scratch();
    let new = |arguments: &[&str]| {
        stdout_and_stderr(&run(scratch.path(), &[&["new"], arguments].concat())).0.trim().to_owned()
    };
    let ci = new(&["--name", "ci", "--scope", "admin"]);
    let ann = new(&["--name", "Ann B.", "--expires", "never"]);
    let path = scratch.path().join("callbox-tokens.toml");
    let file = fs::read_to_string(&path).expect("the file");
    // Only the first token has an end.
    let end = file.lines().find(|line| line.starts_with("expires")).expect("an end");
    fs::write(&path, file.replace(end, "expires = 2020-01-31T12:00:00Z")).expect("the file");
    let output = run(scratch.path(), &["list"]);
    let (out, err) = stdout_and_stderr(&output);
    assert_eq!(err, "");
    for token in [&ci, &ann] {
        assert!(!out.contains(token.rsplit('_').next().expect("a secret")));
    }
    let rows: Vec<Vec<_>> =
        out.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(rows[0], ["ID", "NAME", "SCOPES", "CREATED", "EXPIRES"]);
    let id = |token: &str| token.split('_').nth(1).expect("an id").to_owned();
    assert_eq!(rows[1], [&*id(&ci), "ci", "admin", rows[1][3], "2020-01-31T12:00:00Z, expired"]);
    assert_eq!(rows[2], [&*id(&ann), "Ann B.", "-", rows[2][3], "never"]);
    assert!(rows[2][3].starts_with("20") && rows[2][3].ends_with('Z'), "{out}");
}

#[test]
fn a_token_is_revoked_by_its_id_or_its_name() {
    let scratch = scratch();
    for name in ["a", "b", "c"] {
        stdout_and_stderr(&run(scratch.path(), &["new", "--name", name]));
    }
    let file = TokenFile::new(scratch.path().join("callbox-tokens.toml"));
    let id = file.list().expect("the tokens")[1].id().to_owned();
    let output = run(scratch.path(), &["revoke", "a"]);
    assert!(stdout_and_stderr(&output).1.starts_with("Revoked a ("));
    let output = run(scratch.path(), &["revoke", &id]);
    assert_eq!(stdout_and_stderr(&output), ("", &*format!("Revoked b ({id}).\n")));
    let names: Vec<_> = file.list().expect("the tokens").iter().map(|token| token.name().to_owned()).collect();
    assert_eq!(names, ["c"]);
    assert!(
        error_line(&run(scratch.path(), &["revoke", "a"]))
            .contains("no token with that id or name: `callbox token list`")
    );
}

#[test]
fn the_file_is_the_one_that_a_server_would_use() {
    let scratch = scratch();
    let new = |command: &mut Command| {
        let output = command.output().expect("the command runs");
        stdout_and_stderr(&output);
    };
    fs::write(scratch.path().join("callbox.toml"), "port = 80\ntokens = \"of-file.toml\"").expect("a file");
    new(&mut command(scratch.path(), &["new", "--name", "a"]));
    // Settings that do not concern tokens may be invalid.
    new(command(scratch.path(), &["new", "--name", "a"]).env("CALLBOX_TOKENS", "of-env.toml").env("CALLBOX_PORT", "x"));
    new(command(scratch.path(), &["--file", "of-flag.toml", "new", "--name", "a"]).env("CALLBOX_TOKENS", "of-env.toml"));
    new(&mut command(scratch.path(), &["new", "--name", "b", "--file", "of-flag.toml"]));
    let count = |name: &str| TokenFile::new(scratch.path().join(name)).list().expect(name).len();
    assert_eq!(["of-file.toml", "of-env.toml", "of-flag.toml"].map(count), [1, 1, 2]);
    assert!(!scratch.path().join("callbox-tokens.toml").exists());
    fs::write(scratch.path().join("callbox.toml"), "tokens = ").expect("a file");
    assert!(error_line(&run(scratch.path(), &["list"])).contains("callbox.toml:1: not valid TOML"));
}

#[test]
fn an_error_is_one_line_with_its_remedy() {
    let scratch = scratch();
    fs::write(scratch.path().join("broken.toml"), "\n[[token]]\nid = 1").expect("a file");
    fs::create_dir(scratch.path().join("directory")).expect("a directory");
    let cases: &[(&[&str], &str)] = &[
        (
            &["list"],
            "callbox-tokens.toml cannot be read (No such file or directory (os error 2)): make it with `callbox token new",
        ),
        (&["revoke", "ci"], "make it with `callbox token new --name ME --file callbox-tokens.toml`"),
        (
            &["list", "--file", "broken.toml"],
            "broken.toml: line 3: invalid type: integer `1`, expected a string: correct",
        ),
        (&["new", "--name", "a", "--file", "broken.toml"], "broken.toml: line 3"),
        (&["new", "--name", "a", "--file", "none/callbox-tokens.toml"], "cannot be written (No such file or directory"),
        (&["list", "--file", "directory"], "directory cannot be read (Is a directory"),
        (&["new", "--name", "a", "--scope", "b c"], "\"b c\" cannot be a scope: give a word"),
        (&["new", "--name", ""], "\"\" cannot be the name of a token: give 1 to 64 bytes"),
        (
            &["new", "--name", "a", "--expires", "0d"],
            "0ns cannot be the lifetime of a token: give a time from a second",
        ),
    ];
    for (arguments, part) in cases {
        let output = run(scratch.path(), arguments);
        let line = error_line(&output);
        assert!(line.contains(part), "{arguments:?} does not say {part:?}: {line}");
    }
    let output = run(scratch.path(), &["new", "--name", "a", "--expires", "soon"]);
    assert!(text(&output.stderr).contains("such as 30m, 12h, 90d or 52w, or never"), "{}", text(&output.stderr));
    assert!(!scratch.path().join("callbox-tokens.toml").exists());
}

#[test]
fn a_token_that_could_not_be_printed_is_removed() {
    let scratch = scratch();
    let full = fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
    let mut command = command(scratch.path(), &["new", "--name", "ci"]);
    let output = command.stdout(Stdio::from(full)).output().expect("the command runs");
    assert!(error_line(&output).contains("standard output cannot be written"));
    assert!(TokenFile::new(scratch.path().join("callbox-tokens.toml")).list().expect("the file").is_empty());
}
