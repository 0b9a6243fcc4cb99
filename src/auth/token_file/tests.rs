use std::process::Command;

use futures::FutureExt;

use crate::auth::Authenticate;

use super::*;

fn scratch() -> (tempfile::TempDir, TokenFile) {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.toml"));
    (directory, file)
}

fn names(file: &TokenFile) -> Vec<String> {
    file.list().unwrap().iter().map(|token| token.name().to_owned()).collect()
}

#[test]
fn an_issued_token_is_listed_until_it_is_revoked_and_its_secret_is_not_in_the_file() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &["admin", "read"], Some(Duration::from_secs(60))).unwrap();
    let ann = file.issue("ann", &[], None).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    for token in [&ci, &ann] {
        let secret = token.reveal().rsplit('_').next().unwrap();
        assert!(!text.contains(secret) && text.contains(token.info().id()), "{text}");
        assert!(!format!("{token:?} {file:?}").contains(secret));
    }
    assert_eq!(names(&file), ["ci", "ann"]);
    let listed = &file.list().unwrap()[0];
    assert_eq!((listed.id(), listed.scopes()), (ci.info().id(), ["admin".to_owned(), "read".to_owned()].as_slice()));
    assert!(listed.expires() > listed.created() && !listed.is_expired());
    assert_eq!(file.revoke(ann.info().id()).unwrap()[0].name(), "ann");
    assert_eq!(file.revoke("ci").unwrap()[0].id(), ci.info().id());
    assert_eq!(names(&file), [""; 0]);
}

#[test]
fn a_new_file_is_private_an_existing_one_keeps_its_mode_and_a_link_stays_a_link() {
    let (directory, file) = scratch();
    file.issue("a", &[], None).unwrap();
    let mode = |file: &TokenFile| fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.toml");
    std::os::unix::fs::symlink("tokens.toml", &link).unwrap();
    TokenFile::new(&link).issue("b", &[], None).unwrap();
    assert_eq!(mode(&file), 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(&file), ["a", "b"]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left there");
}

#[test]
fn no_change_is_lost_when_several_are_made_at_the_same_time() {
    let (_directory, file) = scratch();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let file = &file;
            scope.spawn(move || {
                file.issue(&format!("keeps {n}"), &[], None).unwrap();
                file.issue(&format!("goes {n}"), &[], None).unwrap();
                file.revoke(&format!("goes {n}")).unwrap();
            });
        }
    });
    let mut names = names(&file);
    names.sort();
    assert_eq!(names, (0..8).map(|n| format!("keeps {n}")).collect::<Vec<_>>());
}

#[test]
fn a_name_is_free_again_once_its_token_has_expired() {
    let (_directory, file) = scratch();
    file.issue("ci", &[], None).unwrap();
    let error = file.issue("ci", &[], None).unwrap_err().to_string();
    assert!(error.contains("a token with the name \"ci\" already"), "{error}");
    let text = fs::read_to_string(file.path()).unwrap();
    fs::write(file.path(), text.replace("sha256", "expires = 2020-01-01T00:00:00Z\nsha256")).unwrap();
    file.issue("ci", &[], None).unwrap();
    assert_eq!(file.revoke("ci").unwrap().len(), 2);
}

#[test]
fn errors_say_what_to_do_and_leave_the_file_unchanged() {
    let (directory, file) = scratch();
    let said = |error: Result<()>, parts: [&str; 2]| {
        let error = error.unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)) && error.len() < 300, "{error}");
    };
    said(file.list().map(drop), ["tokens.toml cannot be read", "`callbox token new --name"]);
    said(file.revoke("ci").map(drop), ["tokens.toml cannot be read", "`callbox token new --name"]);
    said(file.issue("", &[], None).map(drop), ["\"\" cannot be the name", "1 to 64 bytes"]);
    said(file.issue("a", &["b c"], None).map(drop), ["\"b c\" cannot be a scope", "without spaces"]);
    said(file.issue("a", &[], Some(Duration::ZERO)).map(drop), ["0ns cannot be the lifetime", "a second"]);
    said(file.issue("a", &[], Some(Duration::MAX)).map(drop), ["cannot be the lifetime", "never expire"]);
    let nowhere = TokenFile::new(directory.path().join("none/tokens.toml"));
    said(nowhere.issue("a", &[], None).map(drop), ["tokens.toml cannot be written", "its directory exists"]);
    assert!(!file.path().exists());
    fs::write(file.path(), "token = 1").unwrap();
    said(file.issue("a", &[], None).map(drop), ["tokens.toml: line 1:", "correct the file"]);
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "token = 1");
    fs::write(file.path(), "").unwrap();
    said(file.revoke("ci").map(drop), ["no token with that id or name", "`callbox token list`"]);
}

#[test]
fn the_script_in_the_docs_makes_a_valid_token() {
    let source = include_str!("mod.rs");
    let (_, example) = source.split_once("/// ```sh\n").unwrap();
    let (example, _) = example.split_once("/// ```\n").unwrap();
    let script: String = example.lines().map(|line| format!("{}\n", line.trim_start_matches("/// "))).collect();
    let directory = tempfile::tempdir().unwrap();
    let shell = || Command::new("sh").args(["-euc", &script]).current_dir(&directory).output().unwrap();
    let shown = [shell(), shell()].map(|output| String::from_utf8(output.stdout).unwrap());
    let file = TokenFile::new(directory.path().join("callbox-tokens.toml"));
    assert_eq!(names(&file), ["ci", "ci"]);
    let tokens = crate::auth::Tokens::open(file.path()).unwrap();
    for token in shown {
        let caller = tokens.authenticate(token.trim()).now_or_never().unwrap().unwrap().unwrap();
        assert!(caller.has_scope("admin") && caller.expires().is_some());
    }
}

#[test]
fn a_lock_that_is_never_released_is_an_error() {
    let (_directory, file) = scratch();
    let held = lock(file.path(), LOCK_TIMEOUT).unwrap();
    let error = lock(file.path(), Duration::from_millis(20)).unwrap_err().to_string();
    assert!(error.contains("another program keeps its directory locked"), "{error}");
    drop(held);
    lock(file.path(), LOCK_TIMEOUT).unwrap();
}
