//! The console in headless Chromium, and the page of an example: each file of `tests/node/console`
//! drives a browser against its own server.
//!
//! Needs Node, what `bash tests/node/setup` installs, and Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use callbox::testing;
use callbox::{Dialect, Server};
use callbox_test_support::examples::start_example;

use crate::service::{Ticker, open, server, streams};
use crate::shapes::shapes;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What `CHROMIUM` names, or the first one in the path.
fn browser() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).flat_map(|dir| BROWSERS.map(|name| dir.join(name))).find(|file| file.is_file());
    named.or(found).unwrap_or_else(|| {
        panic!("there is no Chromium: `apt-get install chromium` has one, or name one in the variable CHROMIUM")
    })
}

fn run(script: &str, url: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/console").join(script);
    let output = Command::new("node")
        .arg(&script)
        .env("NODE_PATH", target.join("node/node_modules"))
        .env("CHROMIUM", browser())
        .env("CALLBOX_URL", url)
        .output()
        .unwrap_or_else(|error| panic!("node: {error}: install Node 18 or later"));
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(!said.contains("Cannot find module"), "{said}\n`bash tests/node/setup` installs it");
    // A file in which no test ran would be no failure to Node.
    let passed = said.lines().filter_map(|line| line.strip_prefix("# pass ")).any(|count| count != "0");
    assert!(output.status.success() && passed, "{} failed:\n{said}", script.display());
}

fn run_with(script: &str, server: Server) {
    run(script, &testing::start(server).url(""));
}

#[test]
fn methods_are_called_and_their_answers_shown() {
    run_with("calls.mjs", server());
}

#[test]
fn forms_are_made_from_schemas() {
    run_with("forms.mjs", server());
}

#[test]
fn every_shape_of_a_type_is_filled_in_and_asked_for_once() {
    run_with("shapes.mjs", shapes());
}

#[test]
fn documentation_is_shown_as_its_author_meant_it() {
    run_with("prose.mjs", shapes());
}

#[test]
fn what_the_console_shows_as_rust_is_what_was_compiled_here() {
    run_with("rust.mjs", server().service(Ticker::default));
}

#[test]
fn a_flooded_mailbox_stands_out() {
    run_with("mailboxes.mjs", server());
}

#[test]
fn subscriptions_progress_and_cancellation_are_live() {
    run_with("streams.mjs", streams());
}

#[test]
fn one_socket_carries_all_live_data_of_a_page() {
    run_with("socket.mjs", streams());
}

#[test]
fn the_page_is_there_for_everybody() {
    run_with("page.mjs", server());
}

#[test]
fn a_server_without_tokens_shows_its_mailboxes_at_once() {
    run_with("open.mjs", open());
}

#[test]
fn the_older_dialects_are_understood() {
    for dialect in [Dialect::Gemstone, Dialect::Pymicroservice] {
        run_with("dialects.mjs", server().dialect(dialect));
    }
}

#[test]
fn the_page_of_an_example_misses_no_price_when_it_has_lost_its_connection() {
    let prices = start_example("prices");
    run("prices.mjs", &format!("http://{}", prices.address()));
}
