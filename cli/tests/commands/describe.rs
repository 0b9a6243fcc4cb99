//! `callbox describe` and `callbox completions`.

use crate::greeter::{TOKEN, greeter};
use crate::program::{run, run_on};
use crate::stub::stub;

#[test]
fn a_server_is_described_by_its_methods_their_parameters_and_their_docs() {
    let server = greeter();
    let output = run_on(&server, "describe", &[]);
    let text = output.stdout();
    assert!(text.starts_with("example.greeter  http://127.0.0.1:"), "{text}");
    for (name, doc) in [
        ("say_hello(name, times?)", "public  Says hello, once or several times."),
        ("look_up(name)", "public  Looks somebody up."),
        ("note(text, …)", "public  Takes a note with any further fields."),
    ] {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(line.ends_with(doc), "{line}");
    }
    assert!(text.contains("Available with a suitable token: whoami"), "{text}");
    assert!(!text.contains('\u{1b}'), "there are no colours without a terminal");
    let with_token = run_on(&server, "describe", &["--token", TOKEN]);
    let line = with_token.stdout().lines().find(|line| line.starts_with("whoami()"));
    assert!(line.is_some_and(|line| line.ends_with("token   Says who is calling.")), "{with_token:?}");
}

#[test]
fn a_method_is_described_with_its_parameters_and_errors() {
    let server = greeter();
    let output = run_on(&server, "describe", &["say_hello"]);
    let text = output.stdout();
    for part in [
        "say_hello -> string\npublic · deadline 30.0 s · mailbox of 1,024\n",
        "The maximum is nine times.",
        "name       string   -",
        "times      integer  1",
        "callbox call http://127.0.0.1:",
        "say_hello name=text",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let note = run_on(&server, "describe", &["note"]);
    assert!(note.stdout().contains("\n…          any     -            any other named parameters\n"), "{note:?}");
    let look_up = run_on(&server, "describe", &["look_up"]);
    assert!(look_up.stdout().contains("\n404    Nobody is called {name}\n"), "{look_up:?}");
    assert!(run_on(&server, "describe", &["sayhello"]).error(3).contains("did you mean say_hello?"));
    assert!(run_on(&server, "describe", &["whoami"]).error(7).contains("token"));
}

#[test]
fn a_deprecated_method_is_marked_as_one() {
    let server = greeter();
    let all = run_on(&server, "describe", &[]);
    let line = |name: &str| all.stdout().lines().find(|line| line.starts_with(name)).map(str::to_owned);
    assert!(
        line("greet(name)").is_some_and(|line| line.ends_with("public  (deprecated) Says hello, once.")),
        "{all:?}"
    );
    assert_eq!(all.stdout().matches("deprecated").count(), 1, "{all:?}");
    let one = run_on(&server, "describe", &["greet"]);
    assert!(one.stdout().starts_with("greet -> string\ndeprecated · public · deadline"), "{one:?}");
}

#[test]
fn a_subscription_is_described_by_its_items_and_not_by_its_id() {
    let server = greeter();
    let all = run_on(&server, "describe", &[]);
    let line = all.stdout().lines().find(|line| line.starts_with("greetings()"));
    assert!(
        line.is_some_and(|line| line.ends_with("public  (subscription) Sends each greeting from now on.")),
        "{all:?}"
    );
    let one = run_on(&server, "describe", &["greetings"]);
    assert!(one.stdout().starts_with("greetings -> subscription of Greeting\npublic · deadline"), "{one:?}");
    assert!(one.stdout().contains("\nGreeting = { name: string }\n"), "{one:?}");
    let address = server.address();
    assert!(one.stdout().ends_with(&format!("\nTRY\ncallbox call ws://{address}/api greetings\n")), "{one:?}");
    let over_socket = run(&["describe", &server.url("/api").replace("http", "ws"), "greetings"]);
    assert_eq!(over_socket.stdout(), one.stdout());
}

#[test]
fn the_document_is_printed_unchanged() {
    let server = greeter();
    let document = run_on(&server, "describe", &["--json"]).json();
    assert_eq!(document["openrpc"].as_str().map(|version| &version[..2]), Some("1."));
    assert_eq!(run_on(&server, "call", &["rpc.discover"]).json(), document);
}

#[test]
fn a_server_without_a_description_is_reported() {
    let body = r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}"#;
    assert!(run(&["describe", &stub("200 OK", body)]).error(3).contains("no rpc.discover"));
    let body = r#"{"jsonrpc":"2.0","result":{"openrpc":"1.3.2"},"id":1}"#;
    assert!(run(&["describe", &stub("200 OK", body)]).error(5).contains("did not return an OpenRPC document"));
}

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        for word in ["describe", "stress", "--connections"] {
            // Fish writes a long flag without its dashes.
            assert!(output.stdout().contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
}
