use std::fs;
use std::time::Instant;

use futures::FutureExt;

use crate::regular_file::tests::{at_once, make_pipe};

use super::*;

fn scratch() -> (tempfile::TempDir, TokenFile) {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens.toml"));
    (directory, file)
}

fn name(tokens: &Tokens, token: &str) -> Option<String> {
    let answer = tokens.authenticate(token).now_or_never().expect("no await");
    answer.unwrap().and_then(|caller| caller.name().map(str::to_owned))
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_token_of_the_file_has_its_caller_and_other_tokens_are_invalid() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &["admin", "read"], Some(Duration::from_secs(3600))).unwrap();
    let ann = file.issue("ann", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    let caller = tokens.authenticate(ci.reveal()).now_or_never().unwrap().unwrap().unwrap();
    assert_eq!((caller.name(), caller.scopes().collect::<Vec<_>>()), (Some("ci"), vec!["admin", "read"]));
    assert!(caller.expires() > Some(SystemTime::now()));
    assert_eq!(name(&tokens, ann.reveal()).as_deref(), Some("ann"));
    let (start, secret) = ci.reveal().rsplit_once('_').unwrap();
    let (_, other) = ann.reveal().rsplit_once('_').unwrap();
    let upper = secret.to_uppercase();
    for wrong in [
        "",
        "cbx_",
        "hello_world",
        start,
        secret,
        &format!("{start}_"),
        &format!("{start}_{other}"),
        &format!("{start}_{upper}"),
        &format!("{}0", ci.reveal()),
        &ci.reveal()[..ci.reveal().len() - 1],
        &format!("cbx_000000000000_{secret}"),
        &format!(" {}", ci.reveal()),
        &Digest::of(ci.reveal()).to_hex(),
        &format!("{start}_{}", Digest::of(ci.reveal()).to_hex()),
    ] {
        assert_eq!(name(&tokens, wrong), None, "{wrong}");
    }
}

#[test]
fn an_expired_token_is_invalid() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    assert!(name(&tokens, ci.reveal()).is_some());
    fs::write(file.path(), text.replace("sha256", "expires = 2020-01-01T00:00:00Z\nsha256")).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    assert_eq!(name(&tokens, ci.reveal()), None);
}

#[test]
fn changes_of_the_file_are_read_and_each_is_a_new_generation() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    let first = tokens.generation();
    let ann = file.issue("ann", &[], None).unwrap();
    until("ann is known", || name(&tokens, ann.reveal()).is_some());
    until("a new generation", || tokens.generation() > first);
    file.revoke("ci").unwrap();
    until("ci is refused", || name(&tokens, ci.reveal()).is_none());
    assert!(name(&tokens, ann.reveal()).is_some());
    fs::write(file.path(), "").unwrap();
    until("an empty file refuses all", || name(&tokens, ann.reveal()).is_none());
}

#[test]
fn a_broken_or_missing_file_leaves_the_tokens_as_they_were() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    let good = fs::read_to_string(file.path()).unwrap();
    let generation = tokens.generation();
    let step = |text: std::io::Result<String>| {
        tokens.shared.load(&text.map_err(|error| file.unreadable(error))?).map_err(|error| error.to_string().into())
    };
    let broken: Result<(), BoxError> = step(Ok(good.replace("id =", "id ==")));
    assert!(broken.unwrap_err().to_string().contains("tokens.toml: line"));
    let gone = step(Err(std::io::ErrorKind::NotFound.into()));
    assert!(gone.unwrap_err().to_string().contains("`callbox token new"));
    fs::remove_file(file.path()).unwrap();
    assert_eq!(tokens.generation(), generation);
    assert!(name(&tokens, ci.reveal()).is_some());
    let ann = file.issue("ann", &[], None).unwrap();
    until("the new file is read", || name(&tokens, ann.reveal()).is_some());
    assert!(name(&tokens, ci.reveal()).is_none());
}

#[test]
fn a_revoked_token_is_rejected_at_once_and_does_not_come_back_with_the_file() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let ann = file.issue("ann", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    let before = fs::read_to_string(file.path()).unwrap();
    let generation = tokens.generation();
    assert_eq!(tokens.clone().revoke("ci").unwrap().len(), 1);
    assert!(tokens.generation() > generation);
    assert!(name(&tokens, ci.reveal()).is_none() && name(&tokens, ann.reveal()).is_some());
    assert!(!fs::read_to_string(file.path()).unwrap().contains(ci.info().id()));
    tokens.shared.load(&before).unwrap();
    assert!(name(&tokens, ci.reveal()).is_none(), "from a file that was read before");
    assert!(tokens.revoke("ci").unwrap_err().to_string().contains("no token with that id or name"));
}

#[test]
fn a_revoked_token_is_rejected_at_once_even_if_the_file_cannot_be_written() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    fs::write(file.path(), "broken").unwrap();
    assert!(tokens.revoke(ci.info().id()).is_err());
    assert!(name(&tokens, ci.reveal()).is_none());
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_at_the_start() {
    let (_directory, file) = scratch();
    let error = Tokens::open(file.path()).unwrap_err().to_string();
    assert!(error.contains("cannot be read") && error.contains("`callbox token new"), "{error}");
    fs::write(file.path(), "[[token]]\nid = 5").unwrap();
    let error = Tokens::open(file.path()).unwrap_err().to_string();
    assert!(error.contains("tokens.toml: line 2") && error.contains("correct the file"), "{error}");
}

#[test]
fn a_pipe_in_place_of_the_file_is_an_error_and_does_not_block_the_watcher() {
    let (_directory, file) = scratch();
    make_pipe(file.path());
    let path = file.path().to_owned();
    let error = at_once(move || Tokens::open(path)).unwrap_err().to_string();
    assert!(error.contains("tokens.toml cannot be read (it is a named pipe, not a regular file)"), "{error}");
    let pipe = file.clone();
    let error = at_once(move || pipe.issue("ann", &[], None)).unwrap_err().to_string();
    assert!(error.contains("it is a named pipe, not a regular file"), "{error}");

    fs::remove_file(file.path()).unwrap();
    let [ci, ann] = ["ci", "ann"].map(|name| file.issue(name, &[], None).unwrap());
    let tokens = Tokens::open(file.path()).unwrap();
    let [revoked, pipe] = ["revoked", "pipe"].map(|name| file.path().with_file_name(name));
    fs::copy(file.path(), &revoked).unwrap();
    TokenFile::new(&revoked).revoke("ci").unwrap();
    make_pipe(&pipe);
    fs::rename(&pipe, file.path()).unwrap();
    // Long enough for several looks at the pipe.
    std::thread::sleep(Duration::from_millis(200));
    assert!(name(&tokens, ci.reveal()).is_some(), "as it was before");
    fs::rename(&revoked, file.path()).unwrap();
    until("the file is read again", || name(&tokens, ci.reveal()).is_none());
    assert!(name(&tokens, ann.reveal()).is_some());
}

#[test]
fn debug_output_has_no_secrets() {
    let (_directory, file) = scratch();
    let ci = file.issue("ci", &[], None).unwrap();
    let tokens = Tokens::open(file.path()).unwrap();
    let shown = format!("{tokens:?} {:?} {:?}", tokens.file(), file.list());
    let secret = ci.reveal().rsplit('_').next().unwrap();
    assert!(!shown.contains(secret) && !shown.contains(&Digest::of(ci.reveal()).to_hex()), "{shown}");
}
