//! The released Python clients of pymicroservice and gemstone call a server in the gemstone
//! dialect.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Dialect, RpcError, Server, service};

use crate::{ADVICE, interpreter, script};

#[derive(Default)]
struct MyService {
    values: HashMap<String, String>,
}

#[derive(RpcError)]
enum Undivided {
    #[rpc(code = 422, message = "{a} cannot be divided by 0")]
    ByZero {
        #[rpc(data)]
        a: i64,
    },
}

#[service(name = "name.your.service")]
impl MyService {
    #[public_method]
    fn say_hello(&self, name: String) -> String {
        format!("hello {name}")
    }

    /// Says hello to those who have a token.
    #[private_api_method]
    fn say_private_hello(&self, name: String) -> String {
        format!("Private hello {name}")
    }

    #[public_method(mailbox_group = "values")]
    fn store(&mut self, key: String, value: String) -> Option<String> {
        self.values.insert(key, value)
    }

    #[private_api_method(mailbox_group = "values")]
    fn forget(&mut self, key: String) -> Option<String> {
        self.values.remove(&key)
    }

    #[private_api_method]
    fn retrieve(&self, key: String) -> Option<String> {
        self.values.get(&key).cloned()
    }

    #[public_method]
    fn divide(&self, a: i64, b: i64) -> Result<i64, Undivided> {
        a.checked_div(b).ok_or(Undivided::ByZero { a })
    }

    #[public_method]
    async fn wait(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }
}

fn server() -> Server {
    Server::new(MyService::default).tokens(|token: &str| token == "hello_world")
}

/// Runs one of the scripts against a server; each is a set of Python's own unit tests.
fn run(name: &str, server: &TestServer, path: &str, token_header: Option<&str>) {
    let mut command = Command::new(interpreter());
    command
        .arg(script(name))
        .env("CALLBOX_URL", server.url(path))
        .env("NO_PROXY", "*")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(header) = token_header {
        command.env("CALLBOX_TOKEN_HEADER", header);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}: {ADVICE}", interpreter().display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("ModuleNotFoundError"), "{said}\n{ADVICE}");
    assert!(output.status.success() && said.trim_end().ends_with("OK"), "{name} failed:\n{said}");
}

pub(crate) fn pymicroservice() {
    let server = testing::start(server().dialect(Dialect::Gemstone));
    run("pymicroservice_client.py", &server, "/api", None);
}

pub(crate) fn gemstone() {
    let server = testing::start(server().dialect(Dialect::Gemstone));
    run("gemstone_client.py", &server, "/api", None);
}

pub(crate) fn beside_a_strict_endpoint() {
    let server = testing::start(server().add_endpoint("/api/v0", Dialect::Gemstone).token_header("X-My-Key"));
    for script in ["pymicroservice_client.py", "gemstone_client.py"] {
        run(script, &server, "/api/v0", Some("X-My-Key"));
    }
    let strict =
        server.rpc(&serde_json::json!({ "jsonrpc": "2.0", "method": "say_hello", "params": ["you"], "id": 1 }));
    assert_eq!(strict, serde_json::json!({ "jsonrpc": "2.0", "result": "hello you", "id": 1 }));
}
