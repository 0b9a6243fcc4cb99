//! `callbox generate`: what it writes, and where it takes the document from. That the clients work
//! is shown by `generated_clients`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::greeter::{TOKEN, greeter};
use crate::market::socket;
use crate::program::{run, run_on, run_with_input};
use crate::stub::stub;

/// Set to rewrite the expected clients.
const WRITE: &str = "CALLBOX_WRITE_CLIENTS";

const LANGUAGES: [(&str, &str); 2] = [("typescript", "ts"), ("python", "py")];

/// A document that uses everything that a document can have, and the clients that it becomes.
fn expected(ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/every_feature").with_extension(ending)
}

#[test]
fn a_document_with_every_feature_becomes_the_expected_clients() {
    let document = expected("json");
    for (language, ending) in LANGUAGES {
        let output = run(&["generate", language, document.to_str().unwrap()]);
        let path = expected(ending);
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, output.stdout()).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let differs = kept.lines().zip(output.stdout().lines()).find(|(kept, written)| kept != written);
        assert!(kept == output.stdout(), "{} is not what is written: set {WRITE}=1. {differs:?}", path.display());
    }
}

#[test]
fn a_client_has_no_subscriptions_and_says_so() {
    let server = greeter();
    for (language, first) in [("typescript", "// Subscriptions need"), ("python", "Subscriptions need")] {
        let output = run(&["generate", language, &server.url("/api")]);
        let client = output.stdout();
        let lines = client.lines().skip_while(|line| !line.starts_with(first)).take(2);
        let text = lines.map(|line| line.trim_start_matches("// ")).collect::<Vec<_>>().join(" ");
        let expected = "Subscriptions need a WebSocket, and this client calls over HTTP. Left out: greetings";
        assert_eq!(text.trim_end_matches('"').trim(), expected, "{client}");
        assert!(!client.contains("greetings(") && !client.contains("Greeting "), "{client}");
    }
}

#[test]
fn a_client_is_the_same_wherever_its_document_comes_from() {
    let server = greeter();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openrpc.json");
    fs::write(&file, run_on(&server, "describe", &["--json"]).stdout()).unwrap();
    let document = fs::read_to_string(&file).unwrap();
    for (language, ending) in LANGUAGES {
        let from = |source: &str| run(&["generate", language, source]).stdout().to_owned();
        let client = from(&server.url("/api"));
        assert!(client.contains("say_hello(") && !client.contains("whoami"), "{client}");
        assert_eq!(from(&server.url("/openrpc.json")), client);
        assert_eq!(from(&socket(&server)), client);
        assert_eq!(from(file.to_str().unwrap()), client);
        assert_eq!(run_with_input(&["generate", language, "-"], &document).stdout(), client);

        let written = folder.path().join("client").with_extension(ending);
        let output = run(&["generate", language, file.to_str().unwrap(), "--output", written.to_str().unwrap()]);
        assert_eq!((output.stdout(), fs::read_to_string(&written).unwrap()), ("", client));
    }
}

#[test]
fn a_token_adds_the_private_methods() {
    let server = greeter();
    for path in ["/api", "/openrpc.json"] {
        let output = run(&["generate", "python", &server.url(path), "--token", TOKEN]);
        assert!(output.stdout().contains("def whoami(self) -> str | None:"), "{output:?}");
    }
}

#[test]
fn what_is_no_document_is_one_line_with_the_fix() {
    let generate = |source: &str| run(&["generate", "typescript", source]);
    assert!(generate("nowhere.json").error(1).contains("nowhere.json cannot be read"));
    assert!(generate("http://127.0.0.1:1/api").error(5).contains("cannot be reached"));
    assert!(generate("ftp://127.0.0.1/api").error(2).contains("its scheme must be http"));
    let unknown = stub("200 OK", r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}"#);
    assert!(generate(&unknown).error(3).contains("no rpc.discover: pass the URL"));
    let server = greeter();
    assert!(generate(&server.url("/none.json")).error(5).contains("HTTP status 404"));

    let broken = |document: &str, expected: &str| {
        for (language, _) in LANGUAGES {
            let output = run_with_input(&["generate", language, "-"], document);
            let error = output.error(1);
            assert!(error.starts_with("Error: no client can be generated from standard input: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    };
    broken("{", "not valid JSON");
    broken(r#"{"openapi":"3.1.0","paths":{}}"#, "can only be generated from OpenRPC");
    let with = |method: &str| format!(r#"{{"openrpc":"1.3.2","info":{{}},"methods":[{method}]}}"#);
    broken(&with("{}"), "/methods/0 has no `name`");
    broken(&with(r#"{"name":"a"},{"name":"a"}"#), "two methods are called a: rename");
    broken(&with(r#"{"name":"a","params":{}}"#), "the list of parameters of a has to be a list");
    broken(&with(r#"{"name":"a","params":[{"schema":{}}]}"#), "a parameter of a has no `name`");
    broken(&with(r#"{"name":"a","params":[{"name":"b"},{"name":"b"}]}"#), "two parameters of a are called b");
    broken(&with(r#"{"name":"a","params":[{"name":"b","schema":7}]}"#), "the parameter b of a has the schema 7");
    broken(&with(r#"{"name":"a","errors":[{"message":"no"}]}"#), "an error of a has no `code`");
    broken(
        &with(r##"{"name":"a","params":[],"result":{"name":"r","schema":{"$ref":"#/components/schemas/X"}}}"##),
        "the result of a refers to #/components/schemas/X, which the document does not have",
    );
}
