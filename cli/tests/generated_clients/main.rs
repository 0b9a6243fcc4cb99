//! The clients that `callbox generate` writes, in the hands of their own languages: they are
//! checked strictly, laid out as the formatters do it, and call servers.
//!
//! Needs Node and Python with their type checkers and formatters: `bash tests/foreign` makes them
//! ready.

mod languages;
mod service;

use std::fs;
use std::path::Path;

use callbox_test_support::examples::start_example;
use callbox_test_support::free_port::free_address;

use languages::{Language, PYTHON, TYPESCRIPT};

/// Generates the client of a server into a new folder, and lays a script beside it.
fn client_of(language: &Language, source: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    language.generate(source, &["--token", service::TOKEN], folder.path());
    fs::write(folder.path().join("calls").with_extension(language.ending), script).expect("a script");
    language.check(folder.path());
    folder
}

#[test]
fn the_clients_call_a_service_with_everything() {
    let closed = free_address();
    let closed = format!("http://{closed}/api");
    for (language, script) in [(TYPESCRIPT, include_str!("calls.ts")), (PYTHON, include_str!("calls.py"))] {
        let server = service::start();
        let folder = client_of(&language, &server.url("/api"), script);
        let said = language.run(folder.path(), &[&server.url("/api"), &closed]);
        assert_eq!(said.trim(), "all calls went as they should");
    }
}

#[test]
fn the_programs_of_the_guide_call_the_example_that_it_names() {
    let guide = include_str!("../../../src/docs/other_languages.md");
    for (language, expected) in [
        (TYPESCRIPT, "1 1\n404 No such user 1000\nchanged in the meantime\n1\n1\n"),
        (PYTHON, "1 1\n404 No such user 1000\n1\n1\n"),
    ] {
        let (_, program) = guide.split_once(&format!("\n```{}\n", language.fence)).expect("a program");
        let (program, _) = program.split_once("\n```\n").expect("its end");
        let example = start_example("entity");
        let url = format!("http://{}/api", example.address());
        let program = program.replace("http://127.0.0.1:5000/api", &url).replace("users import", "client import");
        let program = program.replace("./users.js", "./client.js");
        let folder = client_of(&language, &url, &format!("{program}\n"));
        assert_eq!(language.run(folder.path(), &[]), expected);
    }
}

#[test]
fn clients_of_any_document_pass_the_checkers_and_formatters() {
    let documents = tempfile::tempdir().expect("a folder");
    let least = documents.path().join("least.json");
    fs::write(&least, r#"{"openrpc":"1.3.2","methods":[{"name":"go"}]}"#).expect("a file");
    let everything = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/every_feature.json");
    for (language, document) in
        [TYPESCRIPT, PYTHON].iter().flat_map(|language| [(language, &least), (language, &everything)])
    {
        let folder = tempfile::tempdir().expect("a folder");
        language.generate(document.to_str().expect("text"), &[], folder.path());
        language.check(folder.path());
        language.check_layout(folder.path());
    }
}
