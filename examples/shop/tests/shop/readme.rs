//! The README, held to the shop: its calls have the responses that it shows.

use callbox_test_support::http::request;
use callbox_test_support::shell_commands::shell_commands;
use rustix::process::Signal;

use crate::end_to_end::{fill, program};
use crate::shop::{SCOPES, issue};

#[test]
fn the_calls_of_the_readme_have_the_responses_that_it_shows() {
    let directory = tempfile::tempdir().expect("a directory");
    let token = issue(&directory.path().join("tokens.toml"), "acme", &SCOPES);
    let shop = program(directory.path(), 0).start();
    fill(shop.address(), &token);
    let readme = include_str!("../../README.md");
    for scope in SCOPES {
        assert!(readme.contains(&format!("--scope {scope}")), "the token of the README lacks {scope}");
    }
    let (_, calls) = readme.split_once("```sh\ncall() ").expect("a block with calls");
    let calls = format!("call() {}", calls.split_once("\n```").expect("its end").0);
    let commands = shell_commands(&calls);
    assert_eq!(commands.len(), 4);
    for command in commands {
        let path = command.url.strip_prefix("http://127.0.0.1:5000").expect("the address of callbox.toml");
        let values: Vec<_> = command.headers.iter().map(|(_, value)| value.replace("$TOKEN", &token)).collect();
        let headers: Vec<_> =
            command.headers.iter().map(|(name, _)| &**name).zip(values.iter().map(|value| &**value)).collect();
        let response = request(shop.address(), "POST", path, &headers, command.body.clone().unwrap_or_default());
        assert_eq!(response.body, command.response, "{command:?}");
    }

    let order = include_str!("../../order.json");
    for _ in 0..2 {
        let placed = request(shop.address(), "POST", "/api", &[("X-Tenant-Id", "acme")], order).json();
        assert_eq!((&placed["result"]["id"], &placed["result"]["total"]), (&1.into(), &"8.20".into()), "{placed}");
    }
    shop.signal(Signal::TERM);
    let output = shop.wait();
    assert!(output.status.success(), "{}", output.log);
}
