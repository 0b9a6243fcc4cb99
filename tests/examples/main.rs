//! The examples as programs: each has the responses that its documentation shows. What their
//! services do beyond that is tested in the examples themselves.

use std::fs;
use std::path::Path;

use callbox_test_support::examples::{CHECKOUT, example, start_example};
use callbox_test_support::http::request;
use callbox_test_support::program::RunningProgram;
use callbox_test_support::shell_commands::{ShellCommand, shell_block, shell_commands};
use serde_json::{Value, json};

/// The examples that are servers.
const SERVERS: [&str; 8] =
    ["compute", "embedded", "entity", "my_service", "prices", "storage", "web_pages", "without_macro"];

/// Returns the file of an example that has its documentation.
fn source(name: &str) -> String {
    let directory = Path::new(CHECKOUT).join("examples");
    let paths = [directory.join(format!("{name}.rs")), directory.join(name).join("main.rs")];
    let path = paths.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("there is no example {name}"));
    fs::read_to_string(path).expect("an example")
}

/// Runs a command of the documentation against the server, and returns the body of the response.
fn run(command: &ShellCommand, server: &RunningProgram) -> String {
    let path = command.url.strip_prefix("http://127.0.0.1:5000").expect("the address of the documentation");
    let method = if command.body.is_some() { "POST" } else { "GET" };
    let body = command.body.as_deref().unwrap_or_default();
    let headers: Vec<_> = command.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    request(server.address(), method, path, &headers, body).body
}

#[test]
fn the_commands_in_the_documentation_of_an_example_have_the_responses_that_it_shows() {
    for name in SERVERS {
        let server = start_example(name);
        let commands = shell_commands(&shell_block(&source(name)));
        assert!(commands.len() >= 2, "{name} shows {} calls", commands.len());
        for command in commands {
            assert_eq!(run(&command, &server).trim_end(), command.response, "{command:?} of {name}");
        }
    }
}

#[test]
fn the_client_example_prints_what_its_documentation_shows() {
    let output = example("client", &[]).run();
    assert!(output.status.success(), "{output:?}");
    let source = source("client");
    let (_, shown) = source.split_once("//! ```text\n").expect("a block of text");
    let shown = shown.lines().map_while(|line| line.strip_prefix("//! ")).take_while(|line| *line != "```");
    assert_eq!(output.out.lines().collect::<Vec<_>>(), shown.collect::<Vec<_>>());
}

#[test]
fn every_example_is_tested_and_says_how_to_run_it() {
    let directory = fs::read_dir(Path::new(CHECKOUT).join("examples")).expect("the examples");
    // The shop is a package of its own, with a README and with tests of its own.
    let files = directory.map(|entry| entry.expect("an example").path()).filter(|path| !path.ends_with("shop"));
    let mut found: Vec<_> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    found.sort();
    let mut tested = [&SERVERS[..], &["client", "cluster"]].concat();
    tested.sort_unstable();
    assert_eq!(found, tested);
    for name in tested {
        let run = format!("--example {name}`");
        let source = source(name);
        let says_how = |line: &str| line.starts_with("//! Run with `cargo run") && line.contains(&run);
        assert!(source.lines().any(says_how), "{name}");
    }
}

#[test]
fn the_service_without_the_macro_answers_as_the_one_with_it() {
    let [with, without] = ["my_service", "without_macro"].map(start_example);
    let call = |server: &RunningProgram, token: &str, call: &Value| {
        request(server.address(), "POST", "/api", &[("X-Api-Token", token)], call.to_string()).json()
    };
    let specs = |server: &RunningProgram| {
        let mut specs = call(server, "", &json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 0 }));
        for differs in ["port", "accessible_at"] {
            assert!(!specs["result"][differs].take().is_null(), "{differs}");
        }
        specs
    };
    assert_eq!(specs(&with), specs(&without));

    for method in ["say_hello", "say_private_hello", "store", "retrieve"] {
        for params in [
            json!({ "name": "Ada" }),
            json!({ "key": "a", "value": "1" }),
            json!(["a", "2"]),
            json!({ "key": "a" }),
            json!(["a"]),
            json!([]),
            json!([1]),
            json!({ "key": "a", "value": "1", "more": 2 }),
        ] {
            let body = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
            for token in ["", "hello_world"] {
                assert_eq!(call(&with, token, &body), call(&without, token, &body), "{body} with token {token:?}");
            }
        }
    }
}
